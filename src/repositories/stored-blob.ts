import { saveDamagedBlob } from '../catalog/blob-health.ts'
import type { BlobRecord } from '../catalog/blobs.ts'
import type { ByteRange } from '../core/byte-range.ts'
import { RegistryError } from '../core/errors.ts'
import { holdsNothing } from '../storage/blob-store.ts'
import type { LocalServices } from './local-services.ts'
import type { BlobBody } from './package.ts'

/**
 * Opens the bytes of a blob, unless they are known to be damaged or are seen to be: gone, or of another size.
 *
 * @param findAgain  reads the blob's row anew
 * @throws RegistryError `BLOB_UNKNOWN`, `UNKNOWN`
 */
export async function openStoredBlob(
  services: LocalServices,
  blob: BlobRecord,
  range: ByteRange | undefined,
  findAgain: () => Promise<BlobRecord | null>,
): Promise<BlobBody> {
  try {
    return await openGood(services, blob, range)
  } catch (error) {
    if (!isDamage(error)) throw error
    const now = await findAgain()
    // A push has healed it since its row was read.
    if (now && now.location !== blob.location) return openGood(services, now, range)
    if (now?.damaged_at === null) noteDamage(services, now)
    throw error
  }
}

/** Whether the bytes are there, as far as their size tells; what is not is noted. */
export async function isStoredWhole(services: LocalServices, blob: BlobRecord): Promise<boolean> {
  if (blob.damaged_at !== null) return false
  if ((await services.blobs.stat(blob.location)) === blob.size) return true
  noteDamage(services, blob)
  return false
}

function openGood({ blobs }: LocalServices, blob: BlobRecord, range: ByteRange | undefined): Promise<BlobBody> {
  if (blob.damaged_at === null) return blobs.open(blob.location, blob.size, range)
  const cause = new Error(`damaged blob ${blob.location}`)
  const message = 'the stored bytes are damaged; pushing the blob again heals it'
  throw new RegistryError('UNKNOWN', { digest: blob.digest }, { message, cause })
}

/** The store answers, and says that these are not the bytes; when it does not answer, nothing is known. */
function isDamage(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === 'BLOB_UNKNOWN' || error.code === 'UNKNOWN')
}

/** Writes damage down behind the answer. */
function noteDamage(services: LocalServices, blob: BlobRecord): void {
  saveDamage(services, blob).catch((error: unknown) =>
    services.log.warn('blobs.damage_not_noted', { digest: blob.digest, reason: String(error) }),
  )
}

/**
 * A row that names other bytes by now is left alone, and the one request that brings the news says so in the log. A
 * store that holds nothing is away: when it is back everything in it is good.
 */
async function saveDamage({ db, blobs, clock, log }: LocalServices, blob: BlobRecord): Promise<void> {
  if (await holdsNothing(blobs)) return
  const isNew = await db.transaction((tx) => saveDamagedBlob(tx, blob, clock()))
  const { digest, location } = blob
  if (isNew) log.error('blobs.damaged', new Error(`damaged blob ${location}`), { digest, seenBy: 'a request' })
}
