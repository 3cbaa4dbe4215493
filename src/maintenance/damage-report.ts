import { type CheckedBlob, saveDamagedBlob, saveStillDamaged } from '../catalog/blob-health.ts'
import { listBlobNeeds } from '../catalog/blob-needs.ts'
import type { Digest } from '../core/digest.ts'
import type { Log } from '../core/log.ts'
import type { Database, Reader } from '../storage/database.ts'

/** Damage that a report tells of one by one; the rows know the rest. */
export const MOST_TOLD = 100

const MOST_IMAGES = 10

/** A damaged blob as a report names it. */
export interface ToldDamage {
  readonly digest: Digest
  readonly reason: string
  /** Packages that show it. */
  readonly images: readonly string[]
}

/**
 * Writes down that a blob is damaged, and tells it when it is news; null when its bytes lie elsewhere by now, or nobody
 * needs them any more.
 */
export async function noteDamage(
  db: Database,
  log: Log,
  blob: CheckedBlob,
  found: { readonly by: 'reconcile' | 'scrub'; readonly reason: string },
  now: number,
): Promise<ToldDamage | null> {
  const { digest } = blob
  const { by, reason } = found
  const noted = await db.transaction(async (tx) => {
    if (await saveDamagedBlob(tx, blob, now)) return 'new'
    return (await saveStillDamaged(tx, blob, now)) ? 'known' : null
  })
  if (noted === null) return null
  if (noted === 'new') log.error('blobs.damaged', new Error(`${reason}: ${blob.location}`), { digest, seenBy: by })
  return { digest, reason, images: await imagesWith(db, digest) }
}

async function imagesWith(reader: Reader, digest: Digest): Promise<string[]> {
  const needs = await listBlobNeeds(reader, digest, MOST_IMAGES)
  return [...new Set(needs.map(({ image }) => image))]
}
