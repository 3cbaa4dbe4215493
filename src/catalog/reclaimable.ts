import type { Digest } from '../core/digest.ts'
import { many, type Reader } from '../storage/database.ts'
import { type LinkReview, listUsed } from './collection.ts'
import type { PackageId } from './packages.ts'

/** Rows that are looked at for a figure; where there are more, the figure is the least that it may be. */
const MOST_ROWS = 10_000
/** Each of these costs some look-ups of its own. */
const MOST_LINKS = 200

/** Room that comes back by itself, in time. */
export interface Reclaimable {
  /** Bytes that no row speaks of any more. */
  readonly condemnedBlobs: number
  readonly condemnedBytes: number
  /** Links that nothing uses, while their grace lasts; a blob counts once for each package that shows it. */
  readonly unusedLinks: number
  readonly unusedBytes: number
  /** There is more than was counted. */
  readonly isAtLeast: boolean
}

/** Sums up what waits to be removed; bounded, so that it costs the same however much that is. */
export async function findReclaimable(reader: Reader): Promise<Reclaimable> {
  const condemned = await reader.first<{ blobs: number; bytes: number }>`
    select count(*) as blobs, cast(coalesce(sum(size), 0) as bigint) as bytes
    from (select size from condemned_blobs limit ${MOST_ROWS}) as counted`
  const reviews = await reader.all<LinkReview>`
    select package_id, digest, queued_at from link_reviews order by queued_at, package_id, digest limit ${MOST_LINKS}`
  const unused: number[] = []
  for (const [pkg, links] of Map.groupBy(reviews, ({ package_id }) => package_id)) {
    unused.push(
      ...(await unusedSizes(
        reader,
        pkg,
        links.map(({ digest }) => digest),
      )),
    )
  }
  return {
    condemnedBlobs: condemned?.blobs ?? 0,
    condemnedBytes: condemned?.bytes ?? 0,
    unusedLinks: unused.length,
    unusedBytes: unused.reduce((sum, size) => sum + size, 0),
    isAtLeast: condemned?.blobs === MOST_ROWS || reviews.length === MOST_LINKS,
  }
}

async function unusedSizes(reader: Reader, pkg: PackageId, digests: readonly Digest[]): Promise<number[]> {
  const used = new Set(await listUsed(reader, pkg, digests))
  const unused = digests.filter((digest) => !used.has(digest))
  if (unused.length === 0) return []
  const rows = await reader.all<{ size: number }>`select size from blobs where digest in ${many(unused)}`
  return rows.map((row) => row.size)
}

/** How much waits for the collector; of more than 10,000 of a kind it says 10,000. For the metrics. */
export async function countWaiting(
  reader: Reader,
  reviewsDueAt: number,
): Promise<{ reviews: number; condemned: number }> {
  const reviews = await reader.first<{ waiting: number }>`
    select count(*) as waiting
    from (select 1 as yes from link_reviews where queued_at <= ${reviewsDueAt} limit ${MOST_ROWS}) as counted`
  const condemned = await reader.first<{ waiting: number }>`
    select count(*) as waiting from (select 1 as yes from condemned_blobs limit ${MOST_ROWS}) as counted`
  return { reviews: reviews?.waiting ?? 0, condemned: condemned?.waiting ?? 0 }
}
