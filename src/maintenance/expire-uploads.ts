import { claimIdleUpload, hasUpload, listIdleUploads, removeUpload } from '../catalog/uploads.ts'
import { digestOf } from '../core/digest.ts'
import type { Database } from '../storage/database.ts'
import type { UploadStore } from '../storage/upload-store.ts'

const BATCH = 100

/** Throwing the bytes of one upload away takes less, in milliseconds. */
const CLAIM_MS = 60_000

/**
 * Throws away uploads that nobody has touched for a time, bytes and rows.
 *
 * Each is claimed first, so that a client that comes back at this moment either goes on or is told that it is gone.
 */
export async function expireUploads(
  db: Database,
  uploads: UploadStore,
  idleMs: number,
  now: number,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0
  for (;;) {
    const before = removed
    const idle = await listIdleUploads(db, now - idleMs, BATCH)
    for (const { id } of idle) {
      signal.throwIfAborted()
      const by = crypto.randomUUID()
      const claimed = await db.transaction((tx) => claimIdleUpload(tx, id, by, now - idleMs, now, now + CLAIM_MS))
      if (!claimed) continue
      await uploads.discard({ state: claimed.state, offset: claimed.taken, digest: claimed.digest })
      await db.transaction((tx) => removeUpload(tx, id, by))
      removed++
    }
    // What could not be claimed comes again in the list; it must not keep us here.
    if (idle.length < BATCH || removed === before) return removed
  }
}

/** Throws away staged bytes that no row speaks of, as a crash between the two leaves them. */
export async function removeStrayUploads(
  db: Database,
  uploads: UploadStore,
  idleMs: number,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const { id, state, modifiedAt } of uploads.list()) {
    signal.throwIfAborted()
    if (modifiedAt > now - idleMs || (await hasUpload(db, id))) continue
    await uploads.discard({ state, offset: 0, digest: digestOf('') })
  }
}
