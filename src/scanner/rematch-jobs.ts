import type { PackageKey } from '../catalog/scans.ts'
import { saveJob } from '../jobs/queue.ts'
import type { Transaction } from '../storage/database.ts'

/** The kind of job that holds images against changed advisories. */
export const REMATCH_JOB = 'rematch'

/** What has changed; kept as a job's payload. */
export interface AdvisoryChange {
  readonly packages: readonly PackageKey[]
  readonly vulnerabilities: readonly string[]
  /** Ecosystems of which nothing could be said before. */
  readonly ecosystems: readonly string[]
}

const KEYS_PER_JOB = 500

/**
 * Adds the jobs that find the images a change concerns, in the transaction that puts it in force: from the stored
 * inventories, so that no layer is read again.
 */
export async function saveRematchJobs(tx: Transaction, change: AdvisoryChange, now: number): Promise<void> {
  const { ecosystems, vulnerabilities } = change
  const packages = change.packages.filter((key) => !ecosystems.includes(key.ecosystem))
  const parts: AdvisoryChange[] = [
    ...chunks(ecosystems, 20).map((part) => ({ packages: [], vulnerabilities: [], ecosystems: part })),
    ...chunks(packages, KEYS_PER_JOB).map((part) => ({ packages: part, vulnerabilities: [], ecosystems: [] })),
    ...chunks(vulnerabilities, KEYS_PER_JOB).map((part) => ({ packages: [], vulnerabilities: part, ecosystems: [] })),
  ]
  for (const payload of parts) await saveJob(tx, { kind: REMATCH_JOB, subject: crypto.randomUUID(), payload }, now)
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size))
}
