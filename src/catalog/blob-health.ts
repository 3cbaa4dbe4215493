import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'

/** A blob as a checker of bytes needs it. */
export interface CheckedBlob {
  readonly digest: Digest
  /** In bytes. */
  readonly size: number
  readonly location: string
  /** When its bytes were last read and compared; 0 is never. */
  readonly checked_at: number
}

/** Bytes of a blob at one place: what is found out about them says nothing of the same blob anywhere else. */
export type BlobPlace = Pick<CheckedBlob, 'digest' | 'location'>

/** Where a walk over blobs that are due stands. */
export interface DueCursor {
  readonly checked_at: number
  /** Empty before the first. */
  readonly digest: Digest | ''
}

/** Blobs last checked at a time or before and not known to be damaged, longest unchecked first. */
export function listDueBlobs(
  reader: Reader,
  checkedUntil: number,
  after: DueCursor,
  limit: number,
): Promise<CheckedBlob[]> {
  return reader.all<CheckedBlob>`
    select digest, size, location, checked_at from blobs
    where checked_at <= ${checkedUntil} and (checked_at, digest) > (${after.checked_at}, ${after.digest})
      and damaged_at is null
    order by checked_at, digest limit ${limit}`
}

/** When damaged blobs are looked at again: their store may only have been away. */
export interface RecheckRule {
  /** The first look comes so long after the damage was found; each pause after that is twice as long. In milliseconds. */
  readonly firstMs: number
  /** The longest pause, in milliseconds. */
  readonly longestMs: number
}

/** Damaged blobs after one, by digest, whose turn it is to be looked at again. */
export function listDamagedDue(
  reader: Reader,
  rule: RecheckRule,
  now: number,
  after: string,
  limit: number,
): Promise<CheckedBlob[]> {
  return reader.all<CheckedBlob>`
    select digest, size, location, checked_at from blobs
    where damaged_at is not null and digest > ${after}
      and (checked_at <= ${now - rule.longestMs} or 2 * checked_at - damaged_at <= ${now - rule.firstMs})
    order by digest limit ${limit}`
}

/**
 * Notes that bytes were read and are good: at the places that still count. Whoever has moved or removed a blob meanwhile
 * knows better.
 *
 * @returns digests that counted as damaged before
 */
export async function saveGoodBlobs(tx: Transaction, places: readonly BlobPlace[], now: number): Promise<Digest[]> {
  if (places.length === 0) return []
  const digests = many(places.map(({ digest }) => digest).sort())
  const locations = many(places.map(({ location }) => location))
  const healed = await tx.all<{ digest: Digest }>`
    select digest from blobs where digest in ${digests} and location in ${locations} and damaged_at is not null`
  // A location is that of one digest only, so both lists together name the pairs.
  await tx.run`
    update blobs set checked_at = ${now}, damaged_at = null where digest in ${digests} and location in ${locations}`
  return healed.map(({ digest }) => digest)
}

/**
 * Notes that bytes are damaged or missing, when they still lie where the row says; answers whether this is news. From
 * here on they are not served, and whoever asks whether the blob is there is told to push it again.
 */
export async function saveDamagedBlob(tx: Transaction, { digest, location }: BlobPlace, now: number): Promise<boolean> {
  const isNew = await tx.run`
    update blobs set damaged_at = ${now}, checked_at = ${now}
    where digest = ${digest} and location = ${location} and damaged_at is null`
  return isNew > 0
}

/** Notes that bytes known to be damaged were looked at again, and still are; answers whether they count. */
export async function saveStillDamaged(
  tx: Transaction,
  { digest, location }: BlobPlace,
  now: number,
): Promise<boolean> {
  const found = await tx.run`
    update blobs set checked_at = ${now}
    where digest = ${digest} and location = ${location} and damaged_at is not null`
  return found > 0
}

/** A blob whose bytes are not what they should be. */
export interface DamagedBlob {
  readonly digest: Digest
  readonly size: number
  readonly damaged_at: number
}

/** Damaged blobs after one, by digest. */
export function listDamagedBlobs(reader: Reader, after: string, limit: number): Promise<DamagedBlob[]> {
  return reader.all<DamagedBlob>`
    select digest, size, damaged_at from blobs
    where damaged_at is not null and digest > ${after} order by digest limit ${limit}`
}

/** How many blobs are damaged, up to a number that is many in any case. */
export async function countDamagedBlobs(reader: Reader, most: number): Promise<number> {
  const row = await reader.first<{ damaged: number }>`
    select count(*) as damaged from (select 1 as one from blobs where damaged_at is not null limit ${most}) d`
  return row?.damaged ?? 0
}

/** When the blob that was longest not checked was checked; null where there is none. */
export async function findOldestCheck(reader: Reader): Promise<number | null> {
  const row = await reader.first<{ checked_at: number }>`
    select checked_at from blobs order by checked_at, digest limit 1`
  return row?.checked_at ?? null
}
