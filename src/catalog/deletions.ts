import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { moveArtifacts } from './deleted-artifacts.ts'
import { moveTags, saveRemovals } from './deleted-tags.ts'
import { refuseImmutable } from './immutable-tags.ts'
import type { PackageId } from './packages.ts'

/** The number of one act of deleting; everything that went by it comes back together. */
export type DeletionId = number

/** Why something was deleted: somebody asked for it, or a rule of the repository said so. */
export const DELETION_REASONS = ['request', 'retention'] as const
export type DeletionReason = (typeof DELETION_REASONS)[number]

/** One act of deleting. */
export interface DeletionOrder {
  readonly by: string
  readonly reason: DeletionReason
  /** Milliseconds since 1970. */
  readonly now: number
  /** Until when it can be taken back. */
  readonly purgeAt: number
  /** Patterns of tags that are never deleted, nor what they point at. */
  readonly immutableTags: readonly string[]
}

/**
 * Deletes tags and leaves what they point at; answers false when none of them was there. They can be taken back.
 *
 * @throws RegistryError `TAG_IMMUTABLE`; then the caller takes everything back
 */
export async function deleteTags(
  tx: Transaction,
  pkg: PackageId,
  tags: readonly string[],
  order: DeletionOrder,
): Promise<boolean> {
  if (tags.length === 0) return false
  await lockPackage(tx, pkg)
  // A row that is updated stays where it is until the end: what is copied next is what is then removed.
  const there = await tx.run`
    update tags set updated_at = updated_at where package_id = ${pkg} and name in ${many(tags)}`
  if (there === 0) return false
  const deletion = await saveDeletion(tx, pkg, order)
  await tx.run`
    insert into deleted_tags (deletion_id, package_id, name, digest, media_type, updated_at)
    select d.id, t.package_id, t.name, t.digest, t.media_type, t.updated_at
    from deletions d join tags t on t.package_id = d.package_id
    where d.id = ${deletion} and t.name in ${many(tags)}`
  await moveTags(tx, pkg, deletion)
  await refuseImmutable(tx, pkg, deletion, order.immutableTags)
  await saveRemovals(tx, deletion)
  return true
}

/**
 * Deletes artifacts with their tags, their referrers and the fallback tags that speak of them; answers false when none
 * of them was there. They can be taken back, all together.
 *
 * @throws RegistryError `TAG_IMMUTABLE`; then the caller takes everything back
 */
export async function deleteArtifacts(
  tx: Transaction,
  pkg: PackageId,
  digests: readonly Digest[],
  order: DeletionOrder,
): Promise<boolean> {
  if (digests.length === 0) return false
  await lockPackage(tx, pkg)
  const there = await tx.first`
    select 1 as yes from artifacts where package_id = ${pkg} and digest in ${many(digests)} limit 1`
  if (!there) return false
  const deletion = await saveDeletion(tx, pkg, order)
  await moveArtifacts(tx, pkg, deletion, digests)
  await refuseImmutable(tx, pkg, deletion, order.immutableTags)
  await saveRemovals(tx, deletion)
  return true
}

/**
 * Lets one at a time delete from a package or take something back; pushes go on beside it.
 *
 * It comes before every other row, so that nobody waits in a circle.
 */
export async function lockPackage(tx: Transaction, pkg: PackageId): Promise<void> {
  await tx.run`update packages set created_at = created_at where id = ${pkg}`
}

async function saveDeletion(tx: Transaction, pkg: PackageId, order: DeletionOrder): Promise<DeletionId> {
  const row = await tx.first<{ id: DeletionId }>`
    insert into deletions (package_id, reason, deleted_at, deleted_by, purge_at)
    values (${pkg}, ${order.reason}, ${order.now}, ${order.by}, ${order.purgeAt}) returning id`
  if (!row) throw new Error('an insert answered no row')
  return row.id
}

/** The latest deletion that holds a tag or a digest and can still be taken back. */
export async function findDeletion(
  reader: Reader,
  pkg: PackageId,
  held: { readonly tag: string } | { readonly digest: Digest },
  now: number,
): Promise<DeletionId | null> {
  const row =
    'tag' in held
      ? await reader.first<{ id: DeletionId | null }>`
          select max(d.id) as id from deleted_tags t join deletions d on d.id = t.deletion_id
          where t.package_id = ${pkg} and t.name = ${held.tag} and d.purge_at > ${now}`
      : await reader.first<{ id: DeletionId | null }>`
          select max(d.id) as id from deleted_artifacts a join deletions d on d.id = a.deletion_id
          where a.package_id = ${pkg} and a.digest = ${held.digest} and d.purge_at > ${now}`
  return row?.id ?? null
}

/**
 * Gives up for good what was deleted of a package: all of it, or each deletion that holds a tag or a digest. Answers how
 * many deletions can no longer be taken back; the collector does the rest.
 */
export function purgeDeletions(
  tx: Transaction,
  pkg: PackageId,
  held: { readonly tag: string } | { readonly digest: Digest } | null,
  now: number,
): Promise<number> {
  if (held === null) {
    return tx.run`update deletions set purge_at = ${now} where package_id = ${pkg} and purge_at > ${now}`
  }
  if ('tag' in held) {
    return tx.run`
      update deletions set purge_at = ${now} where package_id = ${pkg} and purge_at > ${now}
        and id in (select deletion_id from deleted_tags where package_id = ${pkg} and name = ${held.tag})`
  }
  return tx.run`
    update deletions set purge_at = ${now} where package_id = ${pkg} and purge_at > ${now}
      and id in (select deletion_id from deleted_artifacts where package_id = ${pkg} and digest = ${held.digest})`
}
