import { listFeeds } from '../catalog/advisories.ts'
import {
  listAffected,
  listCarriers,
  listCarriersOf,
  type PackageKey,
  readScanReport,
  saveMatch,
} from '../catalog/scans.ts'
import type { Digest } from '../core/digest.ts'
import { saveJob } from '../jobs/queue.ts'
import type { Database } from '../storage/database.ts'
import { StoredAdvisories } from './advisories/advisory-reader.ts'
import type { ImportReport } from './advisories/import-advisories.ts'
import { decodeImageReport } from './image-report.ts'
import { keepMatched } from './keep-matched.ts'

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
const IMAGES_PER_STEP = 200

/** The ecosystems about which something can be said now; ask before an import, for `saveRematchJobs`. */
export async function coveredEcosystems(db: Database): Promise<ReadonlySet<string>> {
  return new Set((await listFeeds(db)).flatMap((feed) => feed.ecosystems))
}

/** Adds the jobs that find the images an import concerns, from the stored inventories: no layer is read again. */
export async function saveRematchJobs(
  db: Database,
  coveredBefore: ReadonlySet<string>,
  feeds: ImportReport['feeds'],
  now: number,
): Promise<void> {
  const covered = await coveredEcosystems(db)
  const ecosystems = [...covered].filter((ecosystem) => !coveredBefore.has(ecosystem))
  const packages = feeds.flatMap((feed) => feed.change.packages).filter((key) => !ecosystems.includes(key.ecosystem))
  const vulnerabilities = feeds.flatMap((feed) => feed.change.vulnerabilities)
  const changes: AdvisoryChange[] = [
    ...chunks(ecosystems, 20).map((part) => ({ packages: [], vulnerabilities: [], ecosystems: part })),
    ...chunks(packages, KEYS_PER_JOB).map((part) => ({ packages: part, vulnerabilities: [], ecosystems: [] })),
    ...chunks(vulnerabilities, KEYS_PER_JOB).map((part) => ({ packages: [], vulnerabilities: part, ecosystems: [] })),
  ]
  for (const change of changes) {
    const job = { kind: REMATCH_JOB, subject: crypto.randomUUID(), payload: change }
    await db.transaction((tx) => saveJob(tx, job, now))
  }
}

/** Holds every image that a change may concern against the advisories again. */
export async function rematchImages(db: Database, change: AdvisoryChange, signal: AbortSignal): Promise<void> {
  const advisories = new StoredAdvisories(db)
  const done = new Set<Digest>()
  const rematchAll = async (page: (after: string) => Promise<Digest[]>): Promise<void> => {
    for (let after = ''; ; ) {
      const digests = await page(after)
      for (const digest of digests) {
        signal.throwIfAborted()
        if (!done.has(digest)) await rematchImage(db, advisories, digest)
        done.add(digest)
      }
      const last = digests.at(-1)
      if (!last || digests.length < IMAGES_PER_STEP) return
      after = last
    }
  }
  for (const key of change.packages) await rematchAll((after) => listCarriers(db, key, after, IMAGES_PER_STEP))
  for (const id of change.vulnerabilities) await rematchAll((after) => listAffected(db, id, after, IMAGES_PER_STEP))
  for (const ecosystem of change.ecosystems) {
    await rematchAll((after) => listCarriersOf(db, ecosystem, after, IMAGES_PER_STEP))
  }
}

async function rematchImage(db: Database, advisories: StoredAdvisories, digest: Digest): Promise<void> {
  const bytes = await readScanReport(db, digest)
  if (!bytes) return
  const { inventory } = decodeImageReport(bytes)
  await keepMatched(
    db,
    inventory,
    async (match) => {
      await db.transaction((tx) => saveMatch(tx, digest, match, Date.now()))
    },
    advisories,
  )
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size))
}
