import { createRoute, z } from '@hono/zod-openapi'
import {
  RetentionChangeShape,
  RetentionPreviewQueryShape,
  RetentionPreviewShape,
  RetentionRunShape,
  type RetentionStateBody,
  RetentionStateShape,
  type RetentionVerdictBody,
} from '../../api/retention.ts'
import { RegistryError } from '../../core/errors.ts'
import type { RepositoryRecord } from '../../core/repository.ts'
import { hasRetention, planRetention } from '../../maintenance/retain.ts'
import {
  findRetentionReport,
  isRetaining,
  type KeptRetentionReport,
  saveRetainJob,
} from '../../maintenance/retain-jobs.ts'
import { formatCursor, type PreviewLine, parseCursor, previewRetention } from '../../maintenance/retention-preview.ts'
import type { RetentionTally } from '../../maintenance/retention-tally.ts'
import type { RetentionSettings } from '../../maintenance/retention-walk.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Retention']
const params = z.object({ name: z.string() })

/** Longer than walking the largest repository takes, in seconds. */
const SILENCE_SECONDS = 240

const preview = createRoute({
  method: 'post',
  path: '/repositories/{name}/retention/preview',
  tags,
  summary: 'List exactly what a run at this moment would delete, and why; with rules of the repository, or with others',
  request: {
    params,
    query: RetentionPreviewQueryShape,
    body: { content: { 'application/json': { schema: RetentionChangeShape } }, required: false },
  },
  responses: { 200: answer('A page of what would become of tags and manifests.', RetentionPreviewShape), ...PROBLEMS },
})

const run = createRoute({
  method: 'post',
  path: '/repositories/{name}/retention/run',
  tags,
  summary: 'Run the rules of retention now, by a job behind the requests',
  request: { params, body: body(RetentionRunShape) },
  responses: { 202: answer('The run is about to begin.', RetentionStateShape), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/repositories/{name}/retention',
  tags,
  summary: 'Show whether rules of retention are run at this moment, and what the last run did',
  request: { params },
  responses: { 200: answer('The run under way, and the last report.', RetentionStateShape), ...PROBLEMS },
})

/** `/api/v1/repositories/{name}/retention` */
export function addRetentionRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, gate, clock, onJob } = services

  app.openapi(preview, async (c) => {
    const repository = await gate.repository(c.env.actor, c.req.valid('param').name, 'manage')
    const { limit, after, all } = c.req.valid('query')
    const settings = settingsOf(repository, c.req.valid('json') ?? {})
    c.env.mayBeSilentFor(SILENCE_SECONDS)
    const cursor = after === undefined ? { now: clock(), position: null, shown: 0 } : parseCursor(after)
    const walk = { repositoryId: repository.id, settings }
    const page = await previewRetention(db, walk, cursor, { limit, isAll: all === 'true' })
    const plan = after === undefined ? planBody(await planRetention(db, repository.id, settings, cursor.now)) : {}
    return c.json(
      { items: page.items.map(lineBody), ...(page.next && { next: formatCursor(page.next) }), ...plan },
      200,
    )
  })

  app.openapi(run, async (c) => {
    const actor = gate.writer(c.env.actor)
    const { force } = c.req.valid('json')
    // Past the guard is for who administers the repository.
    const repository = await gate.repository(actor, c.req.valid('param').name, force ? 'grant' : 'manage')
    if (!hasRetention(repository.settings)) {
      const message = 'the repository has no rules of retention, and keeps manifests without a tag: nothing to run'
      throw new RegistryError('CONFLICT', { repository: repository.name }, { message })
    }
    const order = { isForced: force, by: actor.name }
    await db.transaction((tx) => saveRetainJob(tx, repository.id, order, clock()))
    onJob()
    return c.json({ isRunning: true, report: await reportOf(services, repository) }, 202)
  })

  app.openapi(show, async (c) => {
    const repository = await gate.repository(c.env.actor, c.req.valid('param').name, 'manage')
    // In this order: a run that ends in between has left its report.
    const isRunning = await isRetaining(db, repository.id)
    return c.json({ isRunning, report: await reportOf(services, repository) }, 200)
  })
}

/** Rules of the request stand in place of those that are saved; of the rest, what is absent is as it is saved. */
function settingsOf({ settings }: RepositoryRecord, tried: z.output<typeof RetentionChangeShape>): RetentionSettings {
  const { retention, immutableTags } = settings
  return {
    immutableTags,
    retention: {
      rules: tried.rules ?? retention.rules,
      untaggedAfterDays: tried.untaggedAfterDays === undefined ? retention.untaggedAfterDays : tried.untaggedAfterDays,
      mostPercent: tried.mostPercent ?? retention.mostPercent,
    },
  }
}

function planBody({ tags, manifests, deletedTags, deletedManifests, warning }: RetentionTally) {
  return { tally: { tags, manifests, deletedTags, deletedManifests }, warning }
}

async function reportOf({ db }: ManagementServices, { name }: RepositoryRecord): Promise<RetentionStateBody['report']> {
  const kept = await findRetentionReport(db, name)
  return kept && reportBody(kept)
}

function reportBody(kept: KeptRetentionReport): NonNullable<RetentionStateBody['report']> {
  const { startedAt, finishedAt, ...rest } = kept
  return { startedAt: timeOf(startedAt), finishedAt: timeOf(finishedAt), ...rest }
}

function lineBody({ since, pulledAt, ...line }: PreviewLine): RetentionVerdictBody {
  return {
    ...line,
    since: since === null ? null : timeOf(since),
    pulledAt: pulledAt === null ? null : timeOf(pulledAt),
  }
}
