import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { unlinkBlob } from './blob-links.ts'
import type { PackageId } from './packages.ts'

/** A blob of a package that may have lost its last use. */
export interface LinkReview {
  readonly package_id: PackageId
  readonly digest: Digest
  readonly queued_at: number
}

/** What became of a review: the link is in use, was wanted lately, is hidden, or was the blob's last; or nothing was due. */
export type Verdict = 'used' | 'wanted' | 'hidden' | 'condemned' | 'gone'

/** Reviews that have waited since `dueAt` or longer, the oldest first. Each leaves this list when it is settled. */
export function listDueReviews(reader: Reader, dueAt: number, limit: number): Promise<LinkReview[]> {
  return reader.all<LinkReview>`
    select package_id, digest, queued_at from link_reviews where queued_at <= ${dueAt}
    order by queued_at, package_id, digest limit ${limit}`
}

/**
 * Which blobs of a package are in use, by what lives in it or by what is deleted and can be brought back. Both in one
 * statement: a use moves from one to the other at once.
 */
export async function listUsed(reader: Reader, pkg: PackageId, digests: readonly Digest[]): Promise<Digest[]> {
  if (digests.length === 0) return []
  const asked = many(digests)
  const rows = await reader.all<{ digest: Digest }>`
    select digest from artifact_blobs where package_id = ${pkg} and digest in ${asked}
    union
    select digest from deleted_artifact_blobs where package_id = ${pkg} and digest in ${asked}`
  return rows.map((row) => row.digest)
}

/**
 * Drops the reviews of a package's links that are in use; answers these.
 *
 * The reviews are taken first. A purge writes a review before it takes the use away, so whoever holds the review sees
 * either the use that is still there, or that it has gone; and what it writes later is a new review.
 */
export async function dropUsedReviews(tx: Transaction, pkg: PackageId, digests: readonly Digest[]): Promise<Digest[]> {
  if (digests.length === 0) return []
  // Keys one by one, and no range: a plan for many rows would go through the whole table.
  await tx.run`
    update link_reviews set queued_at = queued_at
    where package_id = ${pkg} and digest in ${many(digests.toSorted())}`
  const used = await listUsed(tx, pkg, digests)
  if (used.length > 0) {
    await tx.run`delete from link_reviews where package_id = ${pkg} and digest in ${many(used)}`
  }
  return used
}

/**
 * Decides on one link. The blob's row is taken first, as every push takes it, then the review; only after that is asked
 * who uses the link, so that what somebody else has just done is seen.
 *
 * @param dueAt  what was queued or wanted later than this is left alone
 */
export async function settleReview(
  tx: Transaction,
  { package_id, digest }: Omit<LinkReview, 'queued_at'>,
  dueAt: number,
  now: number,
): Promise<{ readonly verdict: Verdict; readonly size: number }> {
  const blob = await tx.first<{ size: number; location: string; touched_at: number }>`
    update blobs set touched_at = touched_at where digest = ${digest} returning size, location, touched_at`
  const review = await tx.first<{ queued_at: number }>`
    update link_reviews set queued_at = queued_at
    where package_id = ${package_id} and digest = ${digest} returning queued_at`
  if (!review || review.queued_at > dueAt) return { verdict: 'gone', size: 0 }
  if (!blob) {
    // A push may have made the blob after we looked for it, and have put its link on the list: then that review stays.
    await tx.run`
      delete from link_reviews where package_id = ${package_id} and digest = ${digest}
        and not exists (select 1 from blobs where digest = ${digest})`
    return { verdict: 'gone', size: 0 }
  }
  if ((await listUsed(tx, package_id, [digest])).length > 0) {
    await dropReview(tx, package_id, digest)
    return { verdict: 'used', size: blob.size }
  }
  if (blob.touched_at > dueAt) {
    await tx.run`
      update link_reviews set queued_at = ${blob.touched_at} where package_id = ${package_id} and digest = ${digest}`
    return { verdict: 'wanted', size: blob.size }
  }
  await unlinkBlob(tx, package_id, digest, now)
  await dropReview(tx, package_id, digest)
  const isLast = await condemnUnlinked(tx, { digest, ...blob }, now)
  return { verdict: isLast ? 'condemned' : 'hidden', size: blob.size }
}

async function dropReview(tx: Transaction, pkg: PackageId, digest: Digest): Promise<void> {
  await tx.run`delete from link_reviews where package_id = ${pkg} and digest = ${digest}`
}

/** Forgets a blob that no package shows; the caller holds its row, so nobody can show it meanwhile. */
async function condemnUnlinked(
  tx: Transaction,
  blob: { readonly digest: Digest; readonly size: number; readonly location: string },
  now: number,
): Promise<boolean> {
  const { digest, size, location } = blob
  const removed = await tx.run`
    delete from blobs where digest = ${digest} and not exists (select 1 from package_blobs where digest = ${digest})`
  if (removed === 0) return false
  await tx.run`
    insert into condemned_blobs (location, digest, size, condemned_at) values (${location}, ${digest}, ${size}, ${now})
    on conflict (location) do nothing`
  return true
}

/** Locations whose bytes nobody has spoken of since `dueAt`, the oldest first. */
export async function listRemovable(reader: Reader, dueAt: number, limit: number): Promise<string[]> {
  const rows = await reader.all<{ location: string }>`
    select location from condemned_blobs where condemned_at <= ${dueAt} order by condemned_at limit ${limit}`
  return rows.map((row) => row.location)
}

/** Forgets condemned bytes that have been removed; answers their sizes. */
export async function dropCondemned(tx: Transaction, locations: readonly string[]): Promise<number[]> {
  if (locations.length === 0) return []
  const rows = await tx.all<{ size: number }>`
    delete from condemned_blobs where location in ${many(locations)} returning size`
  return rows.map((row) => row.size)
}

/** Puts bytes that could not be removed at the end of the queue, as if they had been condemned at `condemnedAt`. */
export async function postponeRemoval(
  tx: Transaction,
  locations: readonly string[],
  condemnedAt: number,
): Promise<void> {
  if (locations.length === 0) return
  await tx.run`update condemned_blobs set condemned_at = ${condemnedAt} where location in ${many(locations)}`
}
