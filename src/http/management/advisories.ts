import { mkdtemp, open, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoute, z } from '@hono/zod-openapi'
import { AdvisoryImportShape, AdvisoryStatusShape, AdvisoryUpdateShape } from '../../api/advisories.ts'
import { listFeeds } from '../../catalog/advisories.ts'
import { RegistryError } from '../../core/errors.ts'
import { saveJob } from '../../jobs/queue.ts'
import { importAdvisories } from '../../scanner/advisories/import-advisories.ts'
import { UPDATE_JOB } from '../../scanner/advisories/update.ts'
import { importBody, sourceBody } from '../../scanner/advisory-bodies.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, PROBLEMS } from './responses.ts'

const tags = ['Advisories']

/** The path of the route whose body is a whole feed. */
export const ADVISORY_IMPORT_PATH = '/api/v1/advisories/import'

/** Largest feed that is taken, in bytes. */
export const ADVISORY_MAX_BYTES = 2 * 1024 ** 3

/** A large feed takes minutes, in which nothing is sent. */
const SILENCE_SECONDS = 255

const status = createRoute({
  method: 'get',
  path: '/advisories',
  tags,
  summary: 'List the feeds of advisories, and how new they are',
  responses: { 200: answer('Every feed that is in force.', AdvisoryStatusShape), ...PROBLEMS },
})

const take = createRoute({
  method: 'post',
  path: '/advisories/import',
  tags,
  summary: 'Import one file of advisories in the form its publisher gives it (administrators)',
  request: {
    query: z.object({
      name: z.string().min(1).max(200).meta({ description: 'What to call the file in the answer.' }),
      writtenAt: z.iso
        .datetime()
        .optional()
        .meta({ description: 'When the file was written, for feeds that do not say how new they are.' }),
    }),
    body: {
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
      required: true,
      description: 'OSV as a zip or as one record, the Debian tracker, Alpine secdb, KEV or EPSS.',
    },
  },
  responses: { 200: answer('What was done with it.', AdvisoryImportShape), ...PROBLEMS },
})

const update = createRoute({
  method: 'post',
  path: '/advisories/update',
  tags,
  summary: 'Fetch what is new in the public feeds (administrators)',
  responses: { 202: answer('It goes on behind the answer.', AdvisoryUpdateShape), ...PROBLEMS },
})

/** `/api/v1/advisories` */
export function addAdvisoryRoutes(app: ManagementApplication, { db, gate, clock, onJob }: ManagementServices): void {
  app.openapi(status, async (c) => {
    gate.signedIn(c.env.actor)
    return c.json({ sources: (await listFeeds(db)).map(sourceBody) }, 200)
  })

  app.openapi(take, async (c) => {
    gate.administrator(c.env.actor)
    const { name, writtenAt } = c.req.valid('query')
    c.env.mayBeSilentFor(SILENCE_SECONDS)
    const patience = setInterval(() => c.env.mayBeSilentFor(SILENCE_SECONDS), (SILENCE_SECONDS * 1000) / 4)
    const folder = await mkdtemp(join(tmpdir(), 'seawall-advisories-'))
    try {
      const path = join(folder, 'feed')
      await save(c.req.raw.body, path, writtenAt === undefined ? clock() : Date.parse(writtenAt))
      const body = importBody(await importAdvisories(db, [path]))
      onJob()
      return c.json(renamed(body, name), 200)
    } finally {
      clearInterval(patience)
      await rm(folder, { recursive: true, force: true })
    }
  })

  app.openapi(update, async (c) => {
    gate.administrator(c.env.actor)
    await db.transaction((tx) => saveJob(tx, { kind: UPDATE_JOB, subject: 'all' }, clock()))
    onJob()
    return c.json({ job: UPDATE_JOB }, 202)
  })
}

/** The announced length may be missing, so what arrives is counted. @throws RegistryError `TOO_LARGE`, `INVALID` */
async function save(body: ReadableStream<Uint8Array> | null, path: string, writtenAt: number): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  let written = 0
  try {
    for await (const chunk of body ?? []) {
      written += chunk.length
      if (written > ADVISORY_MAX_BYTES) throw new RegistryError('TOO_LARGE')
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  if (written === 0) throw new RegistryError('INVALID', undefined, { message: 'the request has no file in it' })
  await utimes(path, writtenAt / 1000, writtenAt / 1000)
}

/** Nobody knows the temporary file: its name stands for it. */
function renamed(body: z.infer<typeof AdvisoryImportShape>, path: string): z.infer<typeof AdvisoryImportShape> {
  return {
    imported: body.imported.map((row) => ({ ...row, path })),
    ignored: body.ignored.map((row) => ({ ...row, path })),
    failed: body.failed.map((row) => ({ ...row, path })),
  }
}
