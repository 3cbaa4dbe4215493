import { many, type Transaction } from '../storage/database.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'

/** Tags that one statement takes. */
const BATCH = 1_000

/** Takes away the living tags that stand in a deletion, where they still point at what was copied. */
export async function moveTags(tx: Transaction, pkg: PackageId, deletion: DeletionId): Promise<void> {
  for (let after = ''; ; ) {
    const copied = await tx.all<{ name: string }>`
      select name from deleted_tags where deletion_id = ${deletion} and name > ${after} order by name limit ${BATCH}`
    const last = copied.at(-1)
    if (!last) return
    const names = copied.map(({ name }) => name)
    await tx.run`
      delete from tags where package_id = ${pkg} and name in ${many(names)}
        and digest = (select d.digest from deleted_tags d where d.deletion_id = ${deletion} and d.name = tags.name)`
    // A push may have moved a tag since it was copied. That is as if it came after the deletion: the tag is not ours.
    await tx.run`
      delete from deleted_tags where deletion_id = ${deletion} and name in ${many(names)}
        and exists (select 1 from tags t where t.package_id = ${pkg} and t.name = deleted_tags.name)`
    after = last.name
  }
}

/**
 * Moves the tags that point at artifacts of a deletion, from a number on. Their names are asked for first, which an index
 * tells: asked for whole rows, one engine goes through all tags of the package.
 */
export async function moveTagsOfArtifacts(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  after: number,
): Promise<void> {
  const copied = await tx.run`
    insert into deleted_tags (deletion_id, package_id, name, digest, media_type, updated_at)
    select a.deletion_id, t.package_id, t.name, t.digest, t.media_type, t.updated_at
    from deleted_artifacts a cross join tags named cross join tags t
    where a.deletion_id = ${deletion} and a.id > ${after}
      and named.package_id = a.package_id and named.digest = a.digest
      and t.package_id = named.package_id and t.name = named.name`
  if (copied > 0) await moveTags(tx, pkg, deletion)
}

/**
 * Moves the tags that speak of artifacts of a deletion, from a number on: `sha256-<hex>` (distribution-spec 1.1,
 * "Referrers Tag Schema": the digest cut after 64 characters) and `sha256-<hex>.<what>`, as cosign makes them. Answers
 * how many.
 *
 * The rows of what they point at are taken first, as a push takes the artifact before the tag.
 */
export async function moveFallbackTags(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  after: number,
): Promise<number> {
  // In the order of code units "-" "." "/" follow one another, and no tag has a slash.
  await tx.run`
    update artifacts set pushed_at = pushed_at where package_id = ${pkg} and digest in (
      select t.digest from deleted_artifacts a
      join tags t on t.package_id = a.package_id
        and t.name >= replace(substr(a.digest, 1, 71), ':', '-')
        and t.name < replace(substr(a.digest, 1, 71), ':', '-') || '/'
      where a.deletion_id = ${deletion} and a.id > ${after})`
  const copied = await tx.run`
    insert into deleted_tags (deletion_id, package_id, name, digest, media_type, updated_at)
    select a.deletion_id, t.package_id, t.name, t.digest, t.media_type, t.updated_at
    from deleted_artifacts a
    join tags t on t.package_id = a.package_id
      and t.name >= replace(substr(a.digest, 1, 71), ':', '-')
      and t.name < replace(substr(a.digest, 1, 71), ':', '-') || '/'
      and (t.name = replace(substr(a.digest, 1, 71), ':', '-')
        or t.name >= replace(substr(a.digest, 1, 71), ':', '-') || '.')
    where a.deletion_id = ${deletion} and a.id > ${after}`
  if (copied > 0) await moveTags(tx, pkg, deletion)
  return copied
}

/** Writes the end of every tag of a deletion into its history. */
export async function saveRemovals(tx: Transaction, deletion: DeletionId): Promise<void> {
  await tx.run`
    insert into tag_history (package_id, name, digest, changed_at, changed_by)
    select t.package_id, t.name, null, d.deleted_at, d.deleted_by
    from deletions d join deleted_tags t on t.deletion_id = d.id
    where d.id = ${deletion} order by t.name`
}
