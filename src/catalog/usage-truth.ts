import type { Digest } from '../core/digest.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** What stands in the row of a repository's usage. */
export interface CountedUsage {
  readonly repository_id: number
  readonly blob_bytes: number
  readonly document_bytes: number
}

/** Counted usage of repositories after one, by number. */
export function listCountedUsage(reader: Reader, after: number, limit: number): Promise<CountedUsage[]> {
  return reader.all<CountedUsage>`
    select repository_id, blob_bytes, document_bytes from repository_usage
    where repository_id > ${after} order by repository_id limit ${limit}`
}

/** A blob of a repository: in how many packages it is said to be, and is. */
export interface HeldBlob {
  readonly repository_id: number
  readonly digest: Digest
  readonly packages: number
  readonly actual: number
  readonly size: number
}

/** Where a walk over what repositories hold stands. */
export interface HeldCursor {
  readonly repository_id: number
  readonly digest: string
}

export function listHeldBlobs(reader: Reader, after: HeldCursor, limit: number): Promise<HeldBlob[]> {
  return reader.all<HeldBlob>`
    select h.repository_id, h.digest, h.packages, coalesce(b.size, 0) as size, (
        select count(*) from package_blobs l join packages p on p.id = l.package_id
        where l.digest = h.digest and p.repository_id = h.repository_id) as actual
    from repository_blobs h left join blobs b on b.digest = h.digest
    where (h.repository_id, h.digest) > (${after.repository_id}, ${after.digest})
    order by h.repository_id, h.digest limit ${limit}`
}

/** A blob that a package shows, and whether its repository counts it. */
export interface CountedLink {
  readonly package_id: number
  readonly repository_id: number
  readonly digest: Digest
  readonly is_counted: 0 | 1
}

export function listCountedLinks(
  reader: Reader,
  after: { readonly package_id: number; readonly digest: string },
  limit: number,
): Promise<CountedLink[]> {
  return reader.all<CountedLink>`
    select l.package_id, p.repository_id, l.digest, case when exists (
        select 1 from repository_blobs h where h.repository_id = p.repository_id and h.digest = l.digest)
      then 1 else 0 end as is_counted
    from package_blobs l join packages p on p.id = l.package_id
    where (l.package_id, l.digest) > (${after.package_id}, ${after.digest})
    order by l.package_id, l.digest limit ${limit}`
}

/** A document that takes room in a repository. */
export interface DocumentSize {
  readonly id: number
  readonly repository_id: number
  readonly size: number
}

/** Documents after one, by number: the living, or what can still be brought back. */
export function listDocumentSizes(
  reader: Reader,
  kind: 'living' | 'deleted',
  after: number,
  limit: number,
): Promise<DocumentSize[]> {
  if (kind === 'living') {
    return reader.all<DocumentSize>`
      select a.id, p.repository_id, a.size from artifacts a join packages p on p.id = a.package_id
      where a.id > ${after} order by a.id limit ${limit}`
  }
  return reader.all<DocumentSize>`
    select a.id, p.repository_id, a.size from deleted_artifacts a join packages p on p.id = a.package_id
    where a.id > ${after} order by a.id limit ${limit}`
}

/**
 * Counts anew in how many packages of a repository a blob is. The blob's row is taken first: whoever shows or hides the
 * blob takes it too, so what is counted after that stays so. The sum of bytes is for `correctUsage`.
 */
export async function correctHolder(tx: Transaction, repositoryId: number, digest: Digest): Promise<void> {
  await tx.run`update blobs set touched_at = touched_at where digest = ${digest}`
  const row = await tx.first<{ packages: number }>`
    select count(*) as packages from package_blobs l join packages p on p.id = l.package_id
    where l.digest = ${digest} and p.repository_id = ${repositoryId}`
  if (!row || row.packages === 0) {
    await tx.run`delete from repository_blobs where repository_id = ${repositoryId} and digest = ${digest}`
    return
  }
  await tx.run`
    insert into repository_blobs (repository_id, digest, packages) values (${repositoryId}, ${digest}, ${row.packages})
    on conflict (repository_id, digest) do update set packages = excluded.packages`
}

/**
 * Sums up anew what a repository holds, under its lock: whoever changes it writes this row last, so everything that is
 * seen is counted, and nothing that is counted later is seen.
 *
 * @returns what stood there when it was wrong, else null
 */
export async function correctUsage(tx: Transaction, repositoryId: number): Promise<CountedUsage | null> {
  const counted = await tx.first<CountedUsage>`
    insert into repository_usage (repository_id, blob_bytes, document_bytes, quota_bytes)
    values (${repositoryId}, 0, 0, null)
    on conflict (repository_id) do update set blob_bytes = repository_usage.blob_bytes
    returning repository_id, blob_bytes, document_bytes`
  if (!counted) return null
  const held = await tx.first<{ blobs: number; living: number; deleted: number }>`
    select
      cast(coalesce((select sum(b.size) from repository_blobs h join blobs b on b.digest = h.digest
        where h.repository_id = ${repositoryId}), 0) as bigint) as blobs,
      cast(coalesce((select sum(a.size) from artifacts a join packages p on p.id = a.package_id
        where p.repository_id = ${repositoryId}), 0) as bigint) as living,
      cast(coalesce((select sum(a.size) from deleted_artifacts a join packages p on p.id = a.package_id
        where p.repository_id = ${repositoryId}), 0) as bigint) as deleted`
  if (!held) throw new Error('a select without a table answered no row')
  const documents = held.living + held.deleted
  if (held.blobs === counted.blob_bytes && documents === counted.document_bytes) return null
  await tx.run`
    update repository_usage set blob_bytes = ${held.blobs}, document_bytes = ${documents}
    where repository_id = ${repositoryId}`
  return counted
}
