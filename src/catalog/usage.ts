import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** The room that a repository takes, in bytes. */
export interface RepositoryUsage {
  /** Each blob once, in however many of its packages it is. */
  readonly blobBytes: number
  readonly documentBytes: number
  /** Most that both may come to; null is no limit. */
  readonly quotaBytes: number | null
}

interface UsageRow {
  blob_bytes: number
  document_bytes: number
  quota_bytes: number | null
}

/** How much more a repository takes from now on; negative gives room back. */
export interface RoomChange {
  readonly blobs: number
  readonly documents: number
}

/**
 * Counts what is added to a repository or taken from it. The row is locked until the end of the transaction, so the limit
 * is exact, however many push at once; giving room back never fails.
 *
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function takeRoom(tx: Transaction, repositoryId: number, change: RoomChange): Promise<void> {
  const row = await tx.first<UsageRow>`
    insert into repository_usage (repository_id, blob_bytes, document_bytes, quota_bytes)
    values (${repositoryId}, ${change.blobs}, ${change.documents}, null)
    on conflict (repository_id) do update set
      blob_bytes = repository_usage.blob_bytes + excluded.blob_bytes,
      document_bytes = repository_usage.document_bytes + excluded.document_bytes
    returning blob_bytes, document_bytes, quota_bytes`
  if (!row) throw new Error('an upsert answered no row')
  const added = change.blobs + change.documents
  const used = row.blob_bytes + row.document_bytes
  if (added <= 0 || row.quota_bytes === null || used <= row.quota_bytes) return
  throw quotaExceeded({ used: used - added, added, quota: row.quota_bytes })
}

/** The refusal, with the figures that a person needs. */
export function quotaExceeded(detail: { used: number; added: number; quota: number }): RegistryError {
  const { used, added, quota } = detail
  const what = added === 0 ? 'there is no room for more' : `this would add ${added}`
  return new RegistryError('QUOTA_EXCEEDED', detail, {
    message: `quota exceeded: the repository holds ${used} of ${quota} bytes, and ${what}`,
  })
}

/** Sets or, by null, takes away the most that a repository may hold. What it holds already stays. */
export async function saveQuota(tx: Transaction, repositoryId: number, quotaBytes: number | null): Promise<void> {
  await tx.run`
    insert into repository_usage (repository_id, blob_bytes, document_bytes, quota_bytes)
    values (${repositoryId}, 0, 0, ${quotaBytes})
    on conflict (repository_id) do update set quota_bytes = excluded.quota_bytes`
}

export async function findUsage(reader: Reader, repositoryId: number): Promise<RepositoryUsage> {
  const row = await reader.first<UsageRow>`
    select blob_bytes, document_bytes, quota_bytes from repository_usage where repository_id = ${repositoryId}`
  return {
    blobBytes: row?.blob_bytes ?? 0,
    documentBytes: row?.document_bytes ?? 0,
    quotaBytes: row?.quota_bytes ?? null,
  }
}

/** Whether a blob is in a repository: pushed once more it takes no room. */
export async function holdsBlob(reader: Reader, repositoryId: number, digest: Digest): Promise<boolean> {
  const row = await reader.first`
    select 1 as yes from repository_blobs where repository_id = ${repositoryId} and digest = ${digest}`
  return row !== null
}

/** Blobs of a repository that are looked at for one that may be what is about to be pushed. */
const MOST_LOOKS = 10_000

/**
 * Whether a blob of which only the least size is known may be one that a repository has. Where it has very many the
 * answer is yes. With no room at all, for not even a manifest, it only matters whether there is one to heal.
 */
export async function mayHoldBlobOf(
  reader: Reader,
  repositoryId: number,
  bytes: number,
  isFull: boolean,
): Promise<boolean> {
  if (isFull) {
    const damaged = await reader.first`
      select 1 as yes from blobs b where b.damaged_at is not null and exists (
        select 1 from repository_blobs r where r.repository_id = ${repositoryId} and r.digest = b.digest) limit 1`
    return damaged !== null
  }
  const row = await reader.first<{ looks: number; largest: number | null }>`
    select count(*) as looks, max(b.size) as largest from (
      select digest from repository_blobs where repository_id = ${repositoryId} limit ${MOST_LOOKS}
    ) as r join blobs b on b.digest = r.digest`
  return row !== null && (row.looks >= MOST_LOOKS || (row.largest ?? -1) >= bytes)
}
