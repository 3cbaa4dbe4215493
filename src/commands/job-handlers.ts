import type { App } from '../app.ts'
import type { Digest } from '../core/digest.ts'
import type { Job } from '../jobs/queue.ts'
import { saveJob, saveRepeatingJob } from '../jobs/queue.ts'
import type { JobHandler } from '../jobs/worker.ts'
import { COLLECT_JOB } from '../maintenance/collect.ts'
import { expireUploads, removeStrayUploads } from '../maintenance/expire-uploads.ts'
import { RECONCILE_JOB } from '../maintenance/reconcile.ts'
import { RETENTION_JOB } from '../maintenance/retain-jobs.ts'
import { SCRUB_JOB } from '../maintenance/scrub.ts'
import { SCAN_JOB } from '../repositories/local.ts'
import { UPDATE_JOB } from '../scanner/advisories/update.ts'
import { rematchImages } from '../scanner/rematch.ts'
import { type AdvisoryChange, REMATCH_JOB } from '../scanner/rematch-jobs.ts'
import { saveGivenUp, scanImage } from '../scanner/scan-image.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { layerLimits } from './layer-limits.ts'
import { updateInChild } from './update-in-child.ts'

/** A kind of job that repeats itself. */
const EXPIRE_JOB = 'expire-uploads'

const HOUR_MS = 3_600_000
const EXPIRE_EVERY_MS = HOUR_MS / 6

/** The first comparison of store and database lets a start be over with its other work. */
const FIRST_RECONCILE_MS = HOUR_MS / 6

/** Rules are not the first thing that a start does. */
const FIRST_RETENTION_MS = HOUR_MS / 6

type Handlers = Record<string, JobHandler>

/** Scanning has workers of its own, so that no download or clean-up keeps a push waiting. */
export function scanHandlers(app: App, metrics: Metrics): Handlers {
  const { scan } = app.config
  const limits = layerLimits(scan)
  return {
    [SCAN_JOB]: async ({ subject }, signal) => {
      const begun = performance.now()
      // The subject of a scan job is the digest that its push had checked.
      const outcome = await scanImage({ db: app.db, blobs: app.blobs, limits }, subject as Digest, signal)
      if (outcome !== 'gone') metrics.scanDone(outcome, (performance.now() - begun) / 1_000)
    },
  }
}

/** Tells the pulls that wait for a scan that there will be none. */
export async function giveUpScan({ db }: App, { subject }: Job): Promise<void> {
  // As above.
  await saveGivenUp(db, subject as Digest)
}

/** Everything else that is done behind the requests. */
export function maintenanceHandlers(app: App): Handlers {
  const { db, config, services } = app
  return {
    [REMATCH_JOB]: async ({ payload }, signal) => {
      // Written by saveRematchJobs from the same type.
      await rematchImages(db, JSON.parse(payload) as AdvisoryChange, signal)
    },
    [UPDATE_JOB]: async (_job, signal) => {
      const hours = config.advisories.updateIntervalHours
      if (hours > 0) await again(app, UPDATE_JOB, hours * HOUR_MS)
      await updateInChild(config, signal).catch(async (error) => {
        // The server stops: the next one need not wait for the whole interval.
        if (signal.aborted && hours > 0) await again(app, UPDATE_JOB, 0)
        throw error
      })
    },
    [EXPIRE_JOB]: async (_job, signal) => {
      await again(app, EXPIRE_JOB, EXPIRE_EVERY_MS)
      const idleMs = config.limits.uploadExpiryHours * HOUR_MS
      await expireUploads(db, services.uploads, idleMs, Date.now(), signal)
      await removeStrayUploads(db, services.uploads, idleMs, Date.now(), signal)
    },
  }
}

/** Sees to it that the repeating jobs are there. */
export async function startRepeating({ db, config }: Pick<App, 'db' | 'config'>): Promise<void> {
  const now = Date.now()
  await db.transaction(async (tx) => {
    await saveRepeatingJob(tx, EXPIRE_JOB, now + EXPIRE_EVERY_MS, now)
    await saveRepeatingJob(tx, COLLECT_JOB, now, now)
    if (config.upkeep.scrubBytesPerSecond > 0) await saveRepeatingJob(tx, SCRUB_JOB, now, now)
    if (config.upkeep.reconcileEveryHours > 0) await saveRepeatingJob(tx, RECONCILE_JOB, now + FIRST_RECONCILE_MS, now)
    if (config.upkeep.retentionEveryHours > 0) await saveRepeatingJob(tx, RETENTION_JOB, now + FIRST_RETENTION_MS, now)
    if (config.advisories.updateIntervalHours > 0) await saveRepeatingJob(tx, UPDATE_JOB, now, now)
  })
}

/** Writes the next turn of a repeating job down; where that is done first, what fails now is tried again then. */
export async function again({ db }: Pick<App, 'db'>, kind: string, inMs: number): Promise<void> {
  const now = Date.now()
  await db.transaction((tx) => saveJob(tx, { kind, subject: 'all', runAt: now + inMs }, now))
}
