import type { StorageBody } from '../../api/storage.ts'
import { countDamagedBlobs, type DamagedBlob, findOldestCheck, listDamagedBlobs } from '../../catalog/blob-health.ts'
import { type BlobNeed, listBlobNeeds } from '../../catalog/blob-needs.ts'
import { countWaiting, findReclaimable } from '../../catalog/reclaimable.ts'
import { listUpkeepReports, type UpkeepReport } from '../../catalog/upkeep-reports.ts'
import { type JobState, listFailedJobs, listJobsOf } from '../../jobs/queue.ts'
import { COLLECT_JOB } from '../../maintenance/collect.ts'
import { RECONCILE_JOB, type ReconcileReport } from '../../maintenance/reconcile.ts'
import { SCRUB_JOB, type ScrubReport } from '../../maintenance/scrub.ts'
import type { Reader } from '../../storage/database.ts'
import { timeOf } from './responses.ts'

const MOST_DAMAGED = 100
const MOST_COUNTED = 10_000
const MOST_NEEDS = 20
const MOST_JOBS = 100

/** Attempts after which a check that fails is a problem, and no hiccup. */
const PATIENCE = 3

const CHECKS = [SCRUB_JOB, RECONCILE_JOB, COLLECT_JOB]

/** Puts together what an operator wants to know of the store; every part of it is bounded. */
export async function describeStorage(db: Reader, now: number): Promise<StorageBody> {
  const damaged = await listDamagedBlobs(db, '', MOST_DAMAGED)
  const damagedCount = await countDamagedBlobs(db, MOST_COUNTED)
  const reports = await listUpkeepReports(db)
  const reconciled = reportOf<ReconcileReport>(reports, 'reconcile')
  const jobs = await jobsToShow(db)
  const oldest = await findOldestCheck(db)
  const problems = problemsOf(damagedCount, reconciled, reportOf<ScrubReport>(reports, 'scrub'), jobs)
  return {
    healthy: problems.length === 0,
    problems,
    damaged: await Promise.all(damaged.map((blob) => describeDamage(db, blob))),
    damagedCount,
    orphans: reconciled && {
      files: reconciled.orphans,
      bytes: reconciled.orphanBytes,
      removed: reconciled.removed,
    },
    reclaimable: await findReclaimable(db),
    waitingReviews: (await countWaiting(db, now)).reviews ?? 0,
    oldestCheckAt: oldest === null ? null : timeOf(oldest),
    reports: reports.map((report) => ({
      kind: report.kind,
      finishedAt: timeOf(report.finished_at),
      // Written by saveUpkeepReport from an object.
      report: JSON.parse(report.report) as Record<string, unknown>,
    })),
    jobs,
  }
}

async function jobsToShow(db: Reader): Promise<JobState[]> {
  const checks = await listJobsOf(db, CHECKS)
  const failed = await listFailedJobs(db, MOST_JOBS)
  return [...checks, ...failed.filter(({ kind }) => !CHECKS.includes(kind))]
}

async function describeDamage(db: Reader, blob: DamagedBlob): Promise<StorageBody['damaged'][number]> {
  const needs = await listBlobNeeds(db, blob.digest, MOST_NEEDS)
  return {
    digest: blob.digest,
    size: blob.size,
    since: timeOf(blob.damaged_at),
    neededBy: needs.map(({ image, artifact, tag }) => ({ image, manifest: artifact, tag })),
    advice: adviceOn(needs),
  }
}

/** The bytes are nowhere else that we know of: somebody who has the image must bring them. */
function adviceOn(needs: readonly BlobNeed[]): string {
  const first = needs.find(({ tag }) => tag !== null) ?? needs.find(({ artifact }) => artifact !== null)
  if (!first) return 'No manifest needs it: nothing need be done.'
  const name = first.tag === null ? `${first.image}@${first.artifact}` : `${first.image}:${first.tag}`
  return `Push ${name} again from where it was built or pulled: one push heals the blob for every image.`
}

function problemsOf(
  damaged: number,
  reconciled: ReconcileReport | null,
  scrubbed: ScrubReport | null,
  jobs: readonly JobState[],
): string[] {
  const problems: string[] = []
  if (damaged === 1) problems.push('1 blob is damaged or missing.')
  if (damaged > 1)
    problems.push(`${damaged === MOST_COUNTED ? 'At least ' : ''}${damaged} blobs are damaged or missing.`)
  const { orphans, missing } = reconciled?.heldBack ?? { orphans: null, missing: null }
  for (const doubt of [orphans, missing]) {
    if (doubt === null) continue
    problems.push(`Nothing was repaired, as ${doubt}: is it the right store, and the right database?`)
  }
  if (scrubbed && scrubbed.unreadable > 0)
    problems.push(`${scrubbed.unreadable} blobs could not be read for their check.`)
  for (const { kind, state, attempts, failure } of jobs) {
    const isStuck = state === 'failed' || (failure !== null && attempts >= PATIENCE)
    if (isStuck && CHECKS.includes(kind)) problems.push(`The job "${kind}" fails: ${failure}`)
  }
  return problems
}

function reportOf<T>(reports: readonly UpkeepReport[], kind: UpkeepReport['kind']): T | null {
  const found = reports.find((report) => report.kind === kind)
  // Each kind's job writes its own type.
  return found ? (JSON.parse(found.report) as T) : null
}
