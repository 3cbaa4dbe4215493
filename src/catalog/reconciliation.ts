import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import type { CheckedBlob } from './blob-health.ts'
import { condemnUnlinked } from './collection.ts'

/** A blob's row, as it is laid beside a list of what the store holds. */
export interface PlacedBlob extends CheckedBlob {
  readonly touched_at: number
  readonly damaged_at: number | null
  /** Whether any package shows it. */
  readonly is_linked: 0 | 1
}

/** Blobs by location, after one and up to another; up to the end where that is null. */
export function listBlobsByLocation(
  reader: Reader,
  after: string,
  upTo: string | null,
  limit: number,
): Promise<PlacedBlob[]> {
  if (upTo === null) {
    return reader.all<PlacedBlob>`
      select b.digest, b.size, b.location, b.checked_at, b.touched_at, b.damaged_at,
        case when exists (select 1 from package_blobs l where l.digest = b.digest) then 1 else 0 end as is_linked
      from blobs b where b.location > ${after} order by b.location limit ${limit}`
  }
  return reader.all<PlacedBlob>`
    select b.digest, b.size, b.location, b.checked_at, b.touched_at, b.damaged_at,
      case when exists (select 1 from package_blobs l where l.digest = b.digest) then 1 else 0 end as is_linked
    from blobs b where b.location > ${after} and b.location <= ${upTo} order by b.location limit ${limit}`
}

/**
 * Which of these the database speaks of: locations of blobs and of condemned bytes, and ids of open uploads.
 *
 * One statement, so one moment: the end of an upload takes its row and writes the blob's, and between two questions
 * neither would be seen.
 */
export async function knownPlaces(
  reader: Reader,
  locations: readonly string[],
  uploadIds: readonly string[],
): Promise<Set<string>> {
  if (locations.length === 0) return new Set()
  const places = many(locations)
  const rows = await reader.all<{ place: string }>`
    select location as place from blobs where location in ${places}
    union all select location as place from condemned_blobs where location in ${places}
    union all select id as place from uploads where id in ${many(uploadIds.length > 0 ? uploadIds : [''])}`
  return new Set(rows.map(({ place }) => place))
}

/**
 * Condemns a blob that no package shows and nobody has wanted since a time. Its row is taken first, as every push takes
 * it: so nobody can show it meanwhile.
 *
 * @returns whether it was condemned
 */
export async function condemnUnlinkedBlob(
  tx: Transaction,
  digest: Digest,
  wantedSince: number,
  now: number,
): Promise<boolean> {
  const blob = await tx.first<{ touched_at: number }>`
    update blobs set touched_at = touched_at where digest = ${digest} returning touched_at`
  if (!blob || blob.touched_at > wantedSince) return false
  return (await condemnUnlinked(tx, [digest], now)).length > 0
}

/** Condemned bytes after one, by location, and whether a blob's row speaks of them, which nothing should ever bring about. */
export function listCondemned(
  reader: Reader,
  after: string,
  limit: number,
): Promise<{ location: string; is_live: 0 | 1 }[]> {
  return reader.all`
    select c.location, case when exists (select 1 from blobs b where b.location = c.location) then 1 else 0 end as is_live
    from condemned_blobs c where c.location > ${after} order by c.location limit ${limit}`
}

/** Takes back the sentence on bytes that a blob's row speaks of; answers whether there was one. */
export async function pardonLiveBlob(tx: Transaction, location: string): Promise<boolean> {
  const pardoned = await tx.run`
    delete from condemned_blobs where location = ${location}
      and exists (select 1 from blobs where blobs.location = condemned_blobs.location)`
  return pardoned > 0
}

/** Locations of bytes that were condemned at a time or before, oldest first: the collector should have removed them. */
export async function listOverdueBytes(reader: Reader, condemnedUntil: number, limit: number): Promise<string[]> {
  const rows = await reader.all<{ location: string }>`
    select location from condemned_blobs where condemned_at <= ${condemnedUntil} order by condemned_at limit ${limit}`
  return rows.map(({ location }) => location)
}

/** Forgets condemned bytes that are gone from the store. */
export async function forgetCondemned(tx: Transaction, locations: readonly string[]): Promise<void> {
  if (locations.length > 0) await tx.run`delete from condemned_blobs where location in ${many(locations)}`
}
