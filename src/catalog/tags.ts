import type { Artifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import { formatImageName, type ImageName } from '../core/names.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** Where tags must point before a push may move them; absent means anywhere. */
export type ExpectedTags = readonly Digest[] | 'any' | 'none'

/** Tags to set, and on what condition. */
export interface TagWish {
  readonly tags: readonly string[]
  readonly expected?: ExpectedTags
}

/**
 * Points tags at an artifact, remembering where each pointed before (tag history).
 *
 * @returns null, or the first tag that is not where it is expected to be; then the caller takes everything back
 */
export async function saveTags(
  tx: Transaction,
  pkg: PackageId,
  artifact: Pick<Artifact, 'digest' | 'mediaType'>,
  { tags, expected }: TagWish,
  by: string,
  now: number,
): Promise<string | null> {
  for (const tag of [...new Set(tags)].sort()) {
    const isSet = await setTag(tx, { pkg, tag, artifact, now }, expected)
    if (!isSet) return tag
    await tx.run`
      insert into tag_history (package_id, name, digest, changed_at, changed_by)
      values (${pkg}, ${tag}, ${artifact.digest}, ${now}, ${by})`
  }
  return null
}

interface NewTag {
  readonly pkg: PackageId
  readonly tag: string
  readonly artifact: Pick<Artifact, 'digest' | 'mediaType'>
  readonly now: number
}

/** The condition is part of the statement that writes, so that no push, conditional or not, gets between the two. */
async function setTag(tx: Transaction, { pkg, tag, artifact, now }: NewTag, expected?: ExpectedTags): Promise<boolean> {
  const { digest, mediaType } = artifact
  if (expected === undefined) {
    await tx.run`
      insert into tags (package_id, name, digest, media_type, updated_at)
      values (${pkg}, ${tag}, ${digest}, ${mediaType}, ${now})
      on conflict (package_id, name) do update set digest = excluded.digest, media_type = excluded.media_type,
        updated_at = excluded.updated_at`
    return true
  }
  if (expected === 'none') {
    const made = await tx.run`
      insert into tags (package_id, name, digest, media_type, updated_at)
      values (${pkg}, ${tag}, ${digest}, ${mediaType}, ${now})
      on conflict (package_id, name) do nothing`
    return made > 0
  }
  if (expected === 'any') {
    const moved = await tx.run`
      update tags set digest = ${digest}, media_type = ${mediaType}, updated_at = ${now}
      where package_id = ${pkg} and name = ${tag}`
    return moved > 0
  }
  if (expected.length === 0) return false
  const moved = await tx.run`
    update tags set digest = ${digest}, media_type = ${mediaType}, updated_at = ${now}
    where package_id = ${pkg} and name = ${tag} and digest in ${many(expected)}`
  return moved > 0
}

/** Tags after one, by code units (distribution-spec 1.1, "Listing Tags"). The tag before need not exist any more. */
export async function listTags(reader: Reader, pkg: PackageId, after: string, limit: number): Promise<string[]> {
  const rows = await reader.all<{ name: string }>`
    select name from tags where package_id = ${pkg} and name > ${after} order by name limit ${limit}`
  return rows.map((row) => row.name)
}

/** Removes a tag and leaves the artifact; answers false when there was none. */
export async function removeTag(
  tx: Transaction,
  pkg: PackageId,
  tag: string,
  by: string,
  now: number,
): Promise<boolean> {
  const removed = await tx.run`delete from tags where package_id = ${pkg} and name = ${tag}`
  if (removed === 0) return false
  await tx.run`
    insert into tag_history (package_id, name, digest, changed_at, changed_by)
    values (${pkg}, ${tag}, null, ${now}, ${by})`
  return true
}

/** Tags of an image that point at a digest, in order; at most a hundred. */
export async function listTagsOf(reader: Reader, name: ImageName, digest: Digest): Promise<string[]> {
  const rows = await reader.all<{ name: string }>`
    select t.name from packages p join tags t on t.package_id = p.id
    where p.full_name = ${formatImageName(name)} and t.digest = ${digest} order by t.name limit 100`
  return rows.map((row) => row.name)
}
