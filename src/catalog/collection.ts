import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { unlinkBlobs } from './blob-links.ts'
import type { PackageId } from './packages.ts'
import { takeRoom } from './usage.ts'

/** A blob of a package that may have lost its last use. */
export interface LinkReview {
  readonly package_id: PackageId
  readonly digest: Digest
  readonly queued_at: number
}

/** What became of links that were reviewed. */
export interface Settlement {
  readonly reviewed: number
  readonly hidden: number
  /** Sizes of blobs that nobody shows any more. */
  readonly condemned: readonly number[]
}

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
 * Decides on links of one package. The blobs' rows are taken first, as every push takes them, then the reviews; only
 * after that is asked who uses the links, so that what somebody else has just done is seen.
 *
 * @param dueAt  what was queued or wanted later than this is left alone
 */
export async function settleReviews(
  tx: Transaction,
  pkg: PackageId,
  digests: readonly Digest[],
  dueAt: number,
  now: number,
): Promise<Settlement> {
  const blobs = await takeBlobs(tx, digests)
  const due = await takeReviews(tx, pkg, digests, dueAt)
  const there = due.filter((digest) => blobs.has(digest))
  await dropLost(
    tx,
    pkg,
    due.filter((digest) => !blobs.has(digest)),
  )
  const used = new Set(await listUsed(tx, pkg, there))
  const unused: Digest[] = []
  for (const digest of there) {
    const touchedAt = blobs.get(digest)?.touched_at ?? 0
    if (used.has(digest) || touchedAt <= dueAt) await dropReview(tx, pkg, digest)
    else await tx.run`update link_reviews set queued_at = ${touchedAt} where package_id = ${pkg} and digest = ${digest}`
    if (!used.has(digest) && touchedAt <= dueAt) unused.push(digest)
  }
  const unlinked = await unlinkBlobs(tx, pkg, unused)
  const condemned = await condemnUnlinked(tx, unused, now)
  if (unlinked) {
    const bytes = unlinked.freed.reduce((sum, digest) => sum + (blobs.get(digest)?.size ?? 0), 0)
    await takeRoom(tx, unlinked.repositoryId, { blobs: -bytes, documents: 0 })
  }
  return { reviewed: there.length, hidden: unlinked?.hidden ?? 0, condemned }
}

/** Takes the rows in the order of digests, each by itself: no plan of the database takes them in another. */
async function takeBlobs(
  tx: Transaction,
  digests: readonly Digest[],
): Promise<Map<Digest, { readonly size: number; readonly touched_at: number }>> {
  const taken = new Map<Digest, { size: number; touched_at: number }>()
  for (const digest of digests.toSorted()) {
    const blob = await tx.first<{ size: number; touched_at: number }>`
      update blobs set touched_at = touched_at where digest = ${digest} returning size, touched_at`
    if (blob) taken.set(digest, blob)
  }
  return taken
}

async function takeReviews(
  tx: Transaction,
  pkg: PackageId,
  digests: readonly Digest[],
  dueAt: number,
): Promise<Digest[]> {
  if (digests.length === 0) return []
  const reviews = await tx.all<LinkReview>`
    update link_reviews set queued_at = queued_at
    where package_id = ${pkg} and digest in ${many(digests.toSorted())} returning package_id, digest, queued_at`
  return reviews.filter(({ queued_at }) => queued_at <= dueAt).map(({ digest }) => digest)
}

/** A push may have made the blob after we looked for it, and have put its link on the list: then that review stays. */
async function dropLost(tx: Transaction, pkg: PackageId, digests: readonly Digest[]): Promise<void> {
  for (const digest of digests) {
    await tx.run`
      delete from link_reviews where package_id = ${pkg} and digest = ${digest}
        and not exists (select 1 from blobs where digest = ${digest})`
  }
}

async function dropReview(tx: Transaction, pkg: PackageId, digest: Digest): Promise<void> {
  await tx.run`delete from link_reviews where package_id = ${pkg} and digest = ${digest}`
}

/** Forgets the blobs that no package shows; the caller holds their rows, so nobody can show them meanwhile. */
export async function condemnUnlinked(tx: Transaction, digests: readonly Digest[], now: number): Promise<number[]> {
  const condemned: number[] = []
  for (const digest of digests) {
    const blob = await tx.first<{ size: number; location: string }>`
      delete from blobs where digest = ${digest} and not exists (select 1 from package_blobs where digest = ${digest})
      returning size, location`
    if (!blob) continue
    condemned.push(blob.size)
    await tx.run`
      insert into condemned_blobs (location, digest, size, condemned_at)
      values (${blob.location}, ${digest}, ${blob.size}, ${now}) on conflict (location) do nothing`
  }
  return condemned
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
