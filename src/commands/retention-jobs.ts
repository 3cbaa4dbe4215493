import type { App } from '../app.ts'
import { findRepositoryById, listRepositories } from '../catalog/repositories.ts'
import { saveUpkeepReport } from '../catalog/upkeep-reports.ts'
import { SYSTEM } from '../core/actor.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import { saveJob } from '../jobs/queue.ts'
import type { JobHandler } from '../jobs/worker.ts'
import { hasRetention, type RetentionReport, runRetention } from '../maintenance/retain.ts'
import { RETAIN_JOB, RETENTION_JOB, type RetainOrder } from '../maintenance/retain-jobs.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { again } from './job-handlers.ts'

const HOUR_MS = 3_600_000

/** Repositories that are looked at in one step. */
const STEP = 200

/** What the jobs work with. */
export type RetentionParts = Pick<App, 'db' | 'log'> & {
  readonly config: Pick<App['config'], 'upkeep'>
  readonly services: Pick<App['services'], 'pulls' | 'keepDeletedMs'>
}

/** A round that adds a job for each repository that gives something up, and those jobs. */
export function retentionHandlers(app: RetentionParts, metrics: Pick<Metrics, 'watch'>): Record<string, JobHandler> {
  const { retentionEveryHours } = app.config.upkeep
  const done = { deleted_tags: 0, deleted_manifests: 0, stopped_runs: 0 }
  metrics.watch('seawall_retention', 'What rules of retention did since the start.', 'what', async () => done)
  return {
    [RETENTION_JOB]: async (_job, signal) => {
      if (retentionEveryHours === 0) return
      await again(app, RETENTION_JOB, retentionEveryHours * HOUR_MS)
      await addJobs(app, signal)
    },
    [RETAIN_JOB]: async ({ subject, payload }, signal) => {
      // Written by saveRetainJob from the same type.
      const order = JSON.parse(payload) as RetainOrder | null
      const repository = await findRepositoryById(app.db, Number(subject))
      if (!repository) return
      const report = await retain(app, repository, order ?? { isForced: false, by: SYSTEM.name }, signal)
      done.deleted_tags += report.deletedTags
      done.deleted_manifests += report.deletedManifests
      if (report.isStopped) done.stopped_runs++
    },
  }
}

async function addJobs({ db }: RetentionParts, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    signal.throwIfAborted()
    const repositories = await listRepositories(db, after, STEP)
    const due = repositories.filter(({ settings }) => hasRetention(settings))
    const now = Date.now()
    await db.transaction(async (tx) => {
      for (const { id } of due) await saveJob(tx, { kind: RETAIN_JOB, subject: String(id) }, now)
    })
    const last = repositories.at(-1)
    if (!last || repositories.length < STEP) return
    after = last.name
  }
}

async function retain(
  { db, services, log }: RetentionParts,
  repository: RepositoryRecord,
  order: RetainOrder,
  signal: AbortSignal,
): Promise<RetentionReport> {
  // What this process has seen pulled counts, also if it is not written down yet.
  await services.pulls.flush()
  const { keepDeletedMs } = services
  const report = await runRetention(db, { repository, now: Date.now(), keepDeletedMs, ...order }, signal)
  const { warning, deletedTags, deletedManifests } = report
  const facts = { repository: repository.name, deletedTags, deletedManifests }
  if (warning !== null) log.warn('retention.stopped', { ...facts, reason: warning })
  else if (deletedTags + deletedManifests > 0) log.info('retention.done', facts)
  const finishedAt = Date.now()
  await db.transaction((tx) =>
    saveUpkeepReport(tx, `retention:${repository.name}`, { ...report, finishedAt }, finishedAt),
  )
  return report
}
