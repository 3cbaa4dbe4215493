import {
  condemnUnlinkedBlob,
  forgetCondemned,
  listCondemned,
  listOverdueBytes,
  type PlacedBlob,
  pardonLiveBlob,
} from '../catalog/reconciliation.ts'
import { MOST_TOLD, noteDamage, type ToldDamage } from './damage-report.ts'
import type { ReconcileSettings } from './reconcile-settings.ts'
import { type MissingBlob, type Orphan, withoutRow } from './store-walk.ts'
import type { StoredBytes } from './stored-bytes.ts'

const BATCH = 100

/** The collector may be behind, or about to come; a day after its time it is not. */
const OVERDUE_MS = 86_400_000

/**
 * Removes bytes that still have no row. Nothing can come to speak of them from now on: an upload that could has a row,
 * and a request that brings a whole blob at once has long ended.
 */
export async function removeOrphans(
  bytes: StoredBytes,
  { pauseMs }: ReconcileSettings,
  orphans: readonly Orphan[],
  signal: AbortSignal,
): Promise<{ count: number; bytes: number }> {
  const removed = { count: 0, bytes: 0 }
  for (let from = 0; from < orphans.length; from += BATCH) {
    signal.throwIfAborted()
    const unknown = await withoutRow(bytes, orphans.slice(from, from + BATCH))
    // What the collector has removed since it was listed is not counted as ours.
    const sizes = await Promise.all(unknown.map(({ location }) => bytes.blobs.stat(location)))
    const there = unknown.filter((_, at) => sizes[at] !== null)
    await bytes.blobs.remove(there.map(({ location }) => location))
    removed.count += there.length
    removed.bytes += there.reduce((sum, { size }) => sum + size, 0)
    await Bun.sleep(pauseMs)
  }
  if (removed.count > 0) bytes.log.warn('store.orphans_removed', removed)
  return removed
}

/** Marks blobs whose bytes are missing as damaged; answers the first that were not known to be. */
export async function markMissing(
  { db, log, clock }: StoredBytes,
  missing: readonly MissingBlob[],
  signal: AbortSignal,
): Promise<ToldDamage[]> {
  const told: ToldDamage[] = []
  for (const { blob, reason } of missing) {
    signal.throwIfAborted()
    const damage = await noteDamage(db, log, blob, { by: 'reconcile', reason }, clock())
    if (damage && told.length < MOST_TOLD) told.push(damage)
  }
  return told
}

/** Condemns blobs that no package shows and nobody wanted lately; answers how many. */
export async function repairUnlinked(
  { db, log, clock }: StoredBytes,
  { graceMs }: ReconcileSettings,
  unlinked: readonly PlacedBlob[],
  signal: AbortSignal,
): Promise<number> {
  let condemned = 0
  for (const { digest } of unlinked) {
    signal.throwIfAborted()
    const now = clock()
    const isCondemned = await db.transaction((tx) => condemnUnlinkedBlob(tx, digest, now - graceMs, now))
    if (isCondemned) condemned += 1
  }
  if (condemned > 0) log.warn('blobs.unlinked_condemned', { count: condemned })
  return condemned
}

/** Does what the collector has left undone for a day; never with bytes that a blob's row speaks of. */
export async function repairCondemned(
  bytes: StoredBytes,
  { removeAfterMs, pauseMs }: ReconcileSettings,
  signal: AbortSignal,
): Promise<{ pardoned: number; overdue: number }> {
  const { db, blobs, clock } = bytes
  const pardoned = await pardonLiving(bytes, signal)
  let overdue = 0
  for (;;) {
    signal.throwIfAborted()
    const locations = await listOverdueBytes(db, clock() - removeAfterMs - OVERDUE_MS, BATCH)
    if (locations.length === 0) return { pardoned, overdue }
    await blobs.remove(locations)
    await db.transaction((tx) => forgetCondemned(tx, locations))
    overdue += locations.length
    await Bun.sleep(pauseMs)
  }
}

async function pardonLiving({ db, log }: StoredBytes, signal: AbortSignal): Promise<number> {
  let pardoned = 0
  for (let after = ''; ; ) {
    signal.throwIfAborted()
    const page = await listCondemned(db, after, BATCH)
    for (const { location, is_live } of page) {
      if (is_live === 0 || !(await db.transaction((tx) => pardonLiveBlob(tx, location)))) continue
      pardoned += 1
      log.error('blobs.pardoned', new Error(`a living blob was condemned: ${location}`))
    }
    const last = page.at(-1)
    if (page.length < BATCH || !last) return pardoned
    after = last.location
  }
}
