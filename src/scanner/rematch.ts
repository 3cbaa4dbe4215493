import { listAffected, listCarriers, listCarriersOf, readScanReport, saveMatch } from '../catalog/scans.ts'
import type { Digest } from '../core/digest.ts'
import type { Database } from '../storage/database.ts'
import { StoredAdvisories } from './advisories/advisory-reader.ts'
import { decodeImageReport } from './image-report.ts'
import { keepMatched } from './keep-matched.ts'
import type { AdvisoryChange } from './rematch-jobs.ts'

const IMAGES_PER_STEP = 200

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
