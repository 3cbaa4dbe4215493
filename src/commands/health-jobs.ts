import type { App } from '../app.ts'
import { countDamagedBlobs } from '../catalog/blob-health.ts'
import { saveUpkeepReport, type UpkeepKind } from '../catalog/upkeep-reports.ts'
import type { Job } from '../jobs/queue.ts'
import { type JobHandler, Worker } from '../jobs/worker.ts'
import { type AskedReconcile, RECONCILE_JOB, reconcile } from '../maintenance/reconcile.ts'
import { type AskedScrub, SCRUB_JOB, scrub } from '../maintenance/scrub.ts'
import type { StoredBytes } from '../maintenance/stored-bytes.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { again } from './job-handlers.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A run of the scrubber ends after the blob at hand, so that what was found is told, and one that is asked for begins. */
const SCRUB_RUN_MS = 5 * MINUTE_MS

/** A store that was away for a moment has its blobs back soon; what stays damaged costs little. */
const RECHECK = { firstMs: MINUTE_MS, longestMs: DAY_MS }

/** Pace of a check that is asked for where the scrubber is turned off. */
const ASKED_BYTES_PER_SECOND = 16 * 1024 * 1024

/** Bytes without a row are at least so old before they are removed. */
const SAFE_AGE_MS = DAY_MS

/** An upload whose commit was never heard of may be ended once more until it expires, and a little longer. */
const EXPIRY_MARGIN_MS = HOUR_MS / 2

const RECONCILE_PAUSE_MS = 10

const MOST_DAMAGED = 10_000

/** Checks have workers of their own, one for each kind: a scrub takes hours and keeps nothing else waiting. */
export function healthWorkers(app: App, metrics: Metrics): Worker[] {
  const { db, log } = app
  metrics.watchNumber(
    'seawall_blobs_damaged',
    'Blobs whose stored bytes are damaged or missing; counted up to 10,000.',
    () => countDamagedBlobs(db, MOST_DAMAGED),
  )
  const handlers: Record<string, JobHandler>[] = [scrubHandlers(app), reconcileHandlers(app)]
  // One that has failed for days is tried again all the same.
  const onGivenUp = async ({ kind, subject }: Job): Promise<void> => {
    if (subject === 'all') await again(app, kind, HOUR_MS)
  }
  return handlers.map((some) => new Worker({ db, handlers: some, concurrency: 1, log, onGivenUp }))
}

function scrubHandlers(app: App): Record<string, JobHandler> {
  const { scrubBytesPerSecond, scrubEveryDays } = app.config.upkeep
  return {
    [SCRUB_JOB]: async ({ payload }, signal) => {
      // Written by the management API from the same type; repeating jobs have none.
      const asked = JSON.parse(payload) as AskedScrub | null
      if (!asked && scrubBytesPerSecond === 0) return
      const settings = {
        bytesPerSecond: scrubBytesPerSecond || ASKED_BYTES_PER_SECOND,
        checkedUntil: asked?.checkedUntil ?? Date.now() - scrubEveryDays * DAY_MS,
        recheck: RECHECK,
        mostMs: asked ? Number.POSITIVE_INFINITY : SCRUB_RUN_MS,
      }
      const report = await scrub(bytesOf(app), settings, signal)
      // A turn that found nothing to do leaves the report of the last that did.
      if (asked || report.seen > 0) await saveReport(app, 'scrub', report)
      if (!asked) await again(app, SCRUB_JOB, report.isComplete ? MINUTE_MS : 0)
    },
  }
}

function reconcileHandlers(app: App): Record<string, JobHandler> {
  const { collection, limits, upkeep } = app.config
  return {
    [RECONCILE_JOB]: async ({ payload }, signal) => {
      // As above.
      const asked = JSON.parse(payload) as AskedReconcile | null
      if (!asked && upkeep.reconcileEveryHours === 0) return
      const settings = {
        safeAgeMs: Math.max(SAFE_AGE_MS, limits.uploadExpiryHours * HOUR_MS + EXPIRY_MARGIN_MS),
        graceMs: collection.graceSeconds * 1_000,
        removeAfterMs: collection.removeAfterSeconds * 1_000,
        isSure: asked?.isSure ?? false,
        pauseMs: RECONCILE_PAUSE_MS,
      }
      const report = await reconcile(bytesOf(app), settings, signal)
      await saveReport(app, 'reconcile', report)
      if (asked) return
      const isDone = report.isComplete || report.heldBack.orphans !== null || report.heldBack.missing !== null
      await again(app, RECONCILE_JOB, isDone ? upkeep.reconcileEveryHours * HOUR_MS : MINUTE_MS)
    },
  }
}

function bytesOf({ db, blobs, log }: App): StoredBytes {
  return { db, blobs, log, clock: Date.now }
}

async function saveReport({ db }: App, kind: UpkeepKind, report: object): Promise<void> {
  const finishedAt = Date.now()
  await db.transaction((tx) => saveUpkeepReport(tx, kind, { finishedAt, ...report }, finishedAt))
}
