import type { Artifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import { formatImageName, type ImageName } from '../core/names.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** Points tags at an artifact, remembering where each pointed before (tag history). */
export async function saveTags(
  tx: Transaction,
  pkg: PackageId,
  tags: readonly string[],
  artifact: Pick<Artifact, 'digest' | 'mediaType'>,
  by: string,
  now: number,
): Promise<void> {
  const { digest, mediaType } = artifact
  for (const tag of [...new Set(tags)].sort()) {
    await tx.run`
      insert into tags (package_id, name, digest, media_type, updated_at)
      values (${pkg}, ${tag}, ${digest}, ${mediaType}, ${now})
      on conflict (package_id, name) do update set digest = excluded.digest, media_type = excluded.media_type,
        updated_at = excluded.updated_at`
    await tx.run`
      insert into tag_history (package_id, name, digest, changed_at, changed_by)
      values (${pkg}, ${tag}, ${digest}, ${now}, ${by})`
  }
}

export async function findTag(reader: Reader, pkg: PackageId, tag: string): Promise<Digest | null> {
  const row = await reader.first<{ digest: Digest }>`
    select digest from tags where package_id = ${pkg} and name = ${tag}`
  return row?.digest ?? null
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
