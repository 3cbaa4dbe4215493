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
  return new RegistryError('QUOTA_EXCEEDED', detail, {
    message: `quota exceeded: the repository holds ${used} of ${quota} bytes, and this would add ${added}`,
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
