import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../app.ts'
import { countWaiting, findReclaimable } from '../catalog/reclaimable.ts'
import { saveUpkeepReport } from '../catalog/upkeep-reports.ts'
import type { JobHandler } from '../jobs/worker.ts'
import { COLLECT_JOB, collect } from '../maintenance/collect.ts'
import { Collector, type CollectorTally } from '../maintenance/collector.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { again } from './job-handlers.ts'

/** Steps of one run: some minutes, so that what a run has done is told while there is still more to do. */
const MOST_STEPS = 2_000

/** How many times as long as a step took the pause after it is, at least. */
const REST_FACTOR = 9
/** Longer than this no step makes it wait. */
const LONGEST_REST_MS = 5_000

/** What waits in the queues is told anew after this long, also by runs that had nothing to do. */
const REPORT_EVERY_MS = 3_600_000

/** The collector has a worker of its own, so that no other clean-up keeps it waiting. */
export function collectionHandlers(app: App, metrics: Metrics): Record<string, JobHandler> {
  const { db, config, log } = app
  const { intervalSeconds, graceSeconds } = config.collection
  const help = 'Links whose review is due, and blobs whose bytes are to be removed; counted up to 10,000.'
  metrics.watch('seawall_collection_waiting', help, 'queue', () => countWaiting(db, Date.now() - graceSeconds * 1_000))
  let reportedAt = 0
  return {
    [COLLECT_JOB]: async (_job, signal) => {
      const { tally, isDone } = await runCollector(app, signal)
      const isIdle = Object.values(tally).every((figure) => figure === 0)
      metrics.collected(tally)
      if (tally.removedBlobs + tally.condemnedBlobs + tally.purgedArtifacts > 0)
        log.info('collection.done', { ...tally })
      if (!isIdle || Date.now() - reportedAt > REPORT_EVERY_MS) {
        await report(app, tally)
        reportedAt = Date.now()
      }
      await again(app, COLLECT_JOB, isDone ? intervalSeconds * 1_000 : 0)
    },
  }
}

async function runCollector(
  { db, blobs, config, log }: App,
  signal: AbortSignal,
): Promise<{ tally: CollectorTally; isDone: boolean }> {
  const { graceSeconds, removeAfterSeconds, pauseMilliseconds } = config.collection
  const patience = { graceMs: graceSeconds * 1_000, removeAfterMs: removeAfterSeconds * 1_000 }
  const collector = new Collector({ db, blobs, clock: Date.now, log, ...patience })
  const pause = async (tookMs: number): Promise<void> => {
    // Where everything is slow, clients come first: the collector takes a tenth of the time at most.
    const resting = Math.min(LONGEST_REST_MS, REST_FACTOR * tookMs)
    await sleep(Math.max(pauseMilliseconds, resting), undefined, { signal })
  }
  const isDone = await collect(collector, { pause, signal, mostSteps: MOST_STEPS, log })
  return { tally: collector.tally, isDone }
}

async function report({ db }: App, tally: CollectorTally): Promise<void> {
  const reclaimable = await findReclaimable(db)
  const finishedAt = Date.now()
  await db.transaction((tx) => saveUpkeepReport(tx, COLLECT_JOB, { finishedAt, ...tally, reclaimable }, finishedAt))
}
