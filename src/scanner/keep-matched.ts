import { listFeeds } from '../catalog/advisories.ts'
import type { Finding } from '../core/finding.ts'
import type { ImageInventory } from '../core/inventory.ts'
import type { Database } from '../storage/database.ts'
import { type AdvisoryReader, StoredAdvisories } from './advisories/advisory-reader.ts'
import { matchInventory } from './match.ts'

/** What is known of an image's vulnerabilities, ready to be kept. */
export interface KeptMatch {
  readonly complete: boolean
  readonly reasons: readonly string[]
  readonly findings: readonly Finding[]
}

/**
 * Holds an inventory against the advisories and keeps what comes out, until what is kept is of the feeds in force.
 *
 * A feed that changes meanwhile may look for the images it concerns before this one is kept, or after: so the feeds are
 * looked at again once it is. Whoever changes them later finds it.
 *
 * @returns whether everything is known
 */
export async function keepMatched(
  db: Database,
  inventory: ImageInventory,
  keep: (match: KeptMatch) => Promise<void>,
  advisories: AdvisoryReader = new StoredAdvisories(db),
): Promise<boolean> {
  for (;;) {
    const before = await stateOfFeeds(db)
    const { findings, unknowns } = await matchInventory(advisories, inventory)
    const complete = inventory.complete && unknowns.length === 0
    await keep({ complete, reasons: [...inventory.reasons, ...unknowns], findings })
    if ((await stateOfFeeds(db)) === before) return complete
  }
}

async function stateOfFeeds(db: Database): Promise<string> {
  return (await listFeeds(db)).map((feed) => feed.generation).join()
}
