import { findUpkeepReport } from '../catalog/upkeep-reports.ts'
import { isPending, saveJob } from '../jobs/queue.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import type { RetentionReport, RetentionRun } from './retain.ts'

/** The kind of job that repeats itself and adds one of the other for each repository with rules. */
export const RETENTION_JOB = 'retention'

/** The kind of job that runs the rules of one repository; its subject is the number of the repository. */
export const RETAIN_JOB = 'retain'

/** How somebody wants a run to be made. */
export type RetainOrder = Pick<RetentionRun, 'isForced' | 'by'>

/** A report with when the run ended, as it is kept. */
export type KeptRetentionReport = RetentionReport & { readonly finishedAt: number }

/** Adds a run of a repository's rules; one that waits already takes this order. */
export async function saveRetainJob(
  tx: Transaction,
  repositoryId: number,
  order: RetainOrder,
  now: number,
): Promise<void> {
  await saveJob(tx, { kind: RETAIN_JOB, subject: String(repositoryId), payload: order }, now)
}

/** Whether a run is under way or about to begin. */
export function isRetaining(reader: Reader, repositoryId: number): Promise<boolean> {
  return isPending(reader, RETAIN_JOB, String(repositoryId))
}

/** What the last run of a repository's rules did; null when none has ended. */
export async function findRetentionReport(reader: Reader, repository: string): Promise<KeptRetentionReport | null> {
  const kept = await findUpkeepReport(reader, `retention:${repository}`)
  // Written by the job from the same type.
  return kept && (JSON.parse(kept.report) as KeptRetentionReport)
}
