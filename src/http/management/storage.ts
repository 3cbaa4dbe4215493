import { createRoute } from '@hono/zod-openapi'
import { StorageCheckShape, StorageCheckStartedShape, StorageShape } from '../../api/storage.ts'
import { saveJob } from '../../jobs/queue.ts'
import { type AskedReconcile, RECONCILE_JOB } from '../../maintenance/reconcile.ts'
import { type AskedScrub, SCRUB_JOB } from '../../maintenance/scrub.ts'
import { describeStorage } from './describe-storage.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS } from './responses.ts'

const tags = ['Storage']

/** A check that somebody asks for is a job beside the repeating one, whose turn stays what it is. */
const ASKED = 'asked'

const show = createRoute({
  method: 'get',
  path: '/storage',
  tags,
  summary: 'Show how well the stored bytes are, what waits, and what the last checks found (administrators)',
  responses: { 200: answer('The health of the store.', StorageShape), ...PROBLEMS },
})

const check = createRoute({
  method: 'post',
  path: '/storage/check',
  tags,
  summary: 'Check the stored bytes now (administrators)',
  request: { body: body(StorageCheckShape) },
  responses: { 202: answer('It goes on behind the answer.', StorageCheckStartedShape), ...PROBLEMS },
})

/** `/api/v1/storage` */
export function addStorageRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, gate, clock, onJob } = services

  app.openapi(show, async (c) => {
    gate.overseer(c.env.actor)
    return c.json(await describeStorage(db, clock()), 200)
  })

  app.openapi(check, async (c) => {
    gate.administrator(c.env.actor)
    const wish = c.req.valid('json')
    const now = clock()
    const scrub: AskedScrub = { checkedUntil: now }
    const reconcile: AskedReconcile = { isSure: wish.sure }
    const jobs = [
      ...(wish.scrub ? [{ kind: SCRUB_JOB, subject: ASKED, payload: scrub }] : []),
      ...(wish.reconcile ? [{ kind: RECONCILE_JOB, subject: ASKED, payload: reconcile }] : []),
    ]
    await db.transaction(async (tx) => {
      for (const job of jobs) await saveJob(tx, job, now)
    })
    onJob()
    return c.json({ jobs: jobs.map(({ kind }) => kind) }, 202)
  })
}
