import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { linkBlob } from './blob-links.ts'
import type { PackageId } from './packages.ts'

/** A blob as the catalog knows it. */
export interface BlobRecord {
  readonly digest: Digest
  /** In bytes. */
  readonly size: number
  readonly location: string
  /** When it was last wanted by a push; the collector leaves it alone for the grace period after that. */
  readonly touched_at: number
  /** Since when its bytes are known not to be what they should; null while they are good. */
  readonly damaged_at: number | null
}

/** A blob that is visible in an image. */
export function findBlob(reader: Reader, pkg: PackageId, digest: Digest): Promise<BlobRecord | null> {
  return reader.first<BlobRecord>`
    select digest, size, location, touched_at, damaged_at from blobs
    where digest = ${digest}
      and exists (select 1 from package_blobs l where l.package_id = ${pkg} and l.digest = ${digest})`
}

/**
 * A blob that is visible in an image which holds an artifact. A manifest may name what is not in its image; to look at
 * that too would show everybody what is in the blobs of others, whose digest is all that they need to know.
 */
export function findBlobOfArtifact(reader: Reader, artifact: Digest, digest: Digest): Promise<BlobRecord | null> {
  return reader.first<BlobRecord>`
    select digest, size, location, touched_at, damaged_at from blobs
    where digest = ${digest} and exists (
      select 1 from package_blobs l join artifacts a on a.package_id = l.package_id
      where l.digest = ${digest} and a.digest = ${artifact})`
}

/** A blob by its digest alone: for the program's own work, never for a client. */
export function findBlobAnywhere(reader: Reader, digest: Digest): Promise<BlobRecord | null> {
  return reader.first<BlobRecord>`select digest, size, location, touched_at, damaged_at from blobs where digest = ${digest}`
}

/**
 * Keeps a blob and shows it in a package. The row is locked until the end of the transaction, so the collector either
 * has removed the blob before (then this makes it anew) or sees that it was touched.
 *
 * @returns the row that counts from now on: with the given location, or the one that was there before
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function saveBlob(
  tx: Transaction,
  pkg: PackageId,
  blob: { digest: Digest; size: number; location: string },
  now: number,
): Promise<Pick<BlobRecord, 'location' | 'damaged_at'>> {
  const row = await tx.first<Pick<BlobRecord, 'location' | 'damaged_at'>>`
    insert into blobs (digest, size, location, created_at, touched_at, checked_at)
    values (${blob.digest}, ${blob.size}, ${blob.location}, ${now}, ${now}, ${now})
    on conflict (digest) do update set touched_at = excluded.touched_at
    returning location, damaged_at`
  if (!row) throw new Error('an upsert answered no row')
  await linkBlob(tx, pkg, blob, now)
  return row
}

/**
 * Puts a blob's bytes somewhere else, after they were found damaged and pushed again; answers false when somebody else
 * was faster, or the blob is gone.
 */
export async function moveBlob(
  tx: Transaction,
  digest: Digest,
  from: string,
  to: string,
  now: number,
): Promise<boolean> {
  const moved = await tx.run`
    update blobs set location = ${to}, checked_at = ${now}, damaged_at = null
    where digest = ${digest} and location = ${from}`
  return moved > 0
}

/**
 * Shows a blob that exists in a package; answers false when the collector has taken it.
 *
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function touchAndLinkBlob(tx: Transaction, pkg: PackageId, digest: Digest, now: number): Promise<boolean> {
  const blob = await tx.first<{ digest: Digest; size: number }>`
    update blobs set touched_at = ${now} where digest = ${digest} returning digest, size`
  if (!blob) return false
  await linkBlob(tx, pkg, blob, now)
  return true
}

/**
 * Says that blobs of a package are about to be used; answers those that are there and visible in it.
 *
 * Two questions, in this order: the first takes the rows, which waits for a collector that is about to hide one of them;
 * only what is asked after that sees what it has done. A blob that was made between the two is visible but not taken, and
 * does not count: the collector could still take it away before the caller has written what uses it.
 */
export async function touchBlobs(
  tx: Transaction,
  pkg: PackageId,
  digests: readonly Digest[],
  now: number,
): Promise<Set<Digest>> {
  if (digests.length === 0) return new Set()
  const wanted = many([...new Set(digests)].sort())
  const taken = await tx.all<{ digest: Digest }>`
    update blobs set touched_at = ${now} where digest in ${wanted} returning digest`
  const visible = await tx.all<{ digest: Digest }>`
    select digest from package_blobs where package_id = ${pkg} and digest in ${wanted}`
  const isVisible = new Set(visible.map((row) => row.digest))
  return new Set(taken.map((row) => row.digest).filter((digest) => isVisible.has(digest)))
}

/** Packages that show a blob, in no order that matters. */
export function listHolders(
  reader: Reader,
  digest: Digest,
  limit: number,
): Promise<{ repository: string; image: string }[]> {
  return reader.all`
    select r.name as repository, p.name as image from package_blobs l
    join packages p on p.id = l.package_id join repositories r on r.id = p.repository_id
    where l.digest = ${digest} limit ${limit}`
}
