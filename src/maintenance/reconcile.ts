import type { ToldDamage } from './damage-report.ts'
import type { ReconcileSettings } from './reconcile-settings.ts'
import { markMissing, removeOrphans, repairCondemned, repairUnlinked } from './repair-blobs.ts'
import { type CorrectedUsage, repairUsage } from './repair-usage.ts'
import { StoreWalk, type WalkFindings } from './store-walk.ts'
import type { StoredBytes } from './stored-bytes.ts'

/** The kind of job that compares store and database. */
export const RECONCILE_JOB = 'reconcile'

/** The payload of a run that somebody has asked for. */
export type AskedReconcile = Pick<ReconcileSettings, 'isSure'>

/** What a comparison of store and database found and did. */
export interface ReconcileReport {
  /** Blobs that the database speaks of. */
  readonly seen: number
  /** Bytes of theirs. */
  readonly bytes: number
  /** Bytes in the store that no row speaks of, old enough to be sure. */
  readonly orphans: number
  readonly orphanBytes: number
  /** Orphans that were removed. */
  readonly removed: number
  readonly removedBytes: number
  /** Blobs whose bytes are missing or of another size. */
  readonly damaged: number
  /** The first of those that are news. */
  readonly missing: readonly ToldDamage[]
  /** Blobs without a package that were condemned. */
  readonly unlinked: number
  /** Condemned bytes that the collector had left behind. */
  readonly overdue: number
  /** Sentences on bytes of living blobs, taken back. */
  readonly pardoned: number
  /** Repositories whose counted room was wrong, as it was counted. */
  readonly usage: readonly CorrectedUsage[]
  /** Why nothing of a kind was done: so much is wrong that it may be the wrong store, or the wrong database. */
  readonly heldBack: { readonly orphans: string | null; readonly missing: string | null }
  /** Whether there was more than one run may hold in memory: the next one goes on. */
  readonly isComplete: boolean
}

/** Fewer than this many are removed or marked whatever their share. */
const FEW = 50

/**
 * Compares what the store holds with what the database says, both ways, and repairs what is safe. Everything is asked
 * again at the moment of the repair, so requests and the collector go on meanwhile.
 */
export async function reconcile(
  bytes: StoredBytes,
  settings: ReconcileSettings,
  signal: AbortSignal,
): Promise<ReconcileReport> {
  const walk = new StoreWalk(bytes, settings, signal)
  const found = await walk.run()
  const heldBack = settings.isSure ? { orphans: null, missing: null } : doubtsOf(found)
  for (const [kind, reason] of Object.entries(heldBack)) {
    if (reason !== null) bytes.log.error('store.doubtful', new Error(reason), { kind })
  }
  const removed = heldBack.orphans === null ? await removeOrphans(bytes, settings, found.orphans, signal) : NOTHING
  const missing = heldBack.missing === null ? await markMissing(bytes, found.missing, signal) : []
  const unlinked = await repairUnlinked(bytes, settings, found.unlinked, signal)
  const condemned = await repairCondemned(bytes, settings, signal)
  return {
    seen: found.rows,
    bytes: found.rowBytes,
    orphans: found.orphanCount,
    orphanBytes: found.orphanBytes,
    removed: removed.count,
    removedBytes: removed.bytes,
    damaged: found.missingCount,
    missing,
    unlinked,
    ...condemned,
    usage: await repairUsage(bytes, settings.pauseMs, signal),
    heldBack,
    isComplete: found.isComplete,
  }
}

const NOTHING = { count: 0, bytes: 0 }

/**
 * More than half of everything is more likely a store that is not mounted, another bucket, or a database from a backup,
 * than that much bad luck.
 */
function doubtsOf(found: WalkFindings): ReconcileReport['heldBack'] {
  const { entries, rows, orphanCount, missingCount } = found
  const isManyOrphans = orphanCount > FEW && orphanCount > entries / 2
  const isManyMissing = (entries === 0 && rows > 0) || (missingCount > FEW && missingCount > rows / 2)
  return {
    orphans: isManyOrphans ? `the database does not know ${orphanCount} of the ${entries} files in the store` : null,
    missing: isManyMissing ? `the store does not have ${missingCount} of the ${rows} blobs in the database` : null,
  }
}
