import type { Artifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { formatImageName, type ImageName } from '../core/names.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { immutableBy, tagImmutable } from './immutable-tags.ts'
import type { PackageId } from './packages.ts'

/** Where tags must point before a push may move them; absent means anywhere. */
export type ExpectedTags = readonly Digest[] | 'any' | 'none'

/** Tags to set, and on what condition. */
export interface TagWish {
  readonly tags: readonly string[]
  readonly expected?: ExpectedTags
  /** Patterns of tags that may be set, but never moved. */
  readonly immutableTags: readonly string[]
}

/** How often a tag that comes and goes is looked at before the push gives up. */
const MOST_LOOKS = 5

/**
 * Points tags at an artifact, remembering where each pointed before (tag history).
 *
 * @returns null, or the first tag that is not where it is expected to be; then the caller takes everything back
 * @throws RegistryError `TAG_IMMUTABLE`
 */
export async function saveTags(
  tx: Transaction,
  pkg: PackageId,
  artifact: Pick<Artifact, 'digest' | 'mediaType'>,
  { tags, expected, immutableTags }: TagWish,
  by: string,
  now: number,
): Promise<string | null> {
  for (const tag of [...new Set(tags)].sort()) {
    const pattern = immutableBy(immutableTags, tag)
    const wish = { pkg, tag, artifact, now }
    const isSet = await (pattern === null ? setTag(tx, wish, expected) : setOnce(tx, wish, expected, pattern))
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

/**
 * Makes a tag, or leaves it where it is. Where it stands, its row is taken before it is looked at; where it does not,
 * only one of several pushes makes it, and the others look again.
 */
async function setOnce(
  tx: Transaction,
  wish: NewTag,
  expected: ExpectedTags | undefined,
  pattern: string,
): Promise<boolean> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    const held = await tx.first<{ digest: Digest }>`
      update tags set updated_at = updated_at where package_id = ${wish.pkg} and name = ${wish.tag} returning digest`
    if (held && held.digest !== wish.artifact.digest) throw tagImmutable(wish.tag, pattern)
    if (held) return setTag(tx, wish, expected)
    if (expected !== undefined && expected !== 'none') return false
    if (await setTag(tx, wish, 'none')) return true
    if (expected === 'none') return false
  }
  throw new RegistryError('UNAVAILABLE', undefined, { message: `the tag "${wish.tag}" comes and goes at this moment` })
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

/** Tags of an image that point at a digest, in order; at most a hundred. */
export async function listTagsOf(reader: Reader, name: ImageName, digest: Digest): Promise<string[]> {
  const rows = await reader.all<{ name: string }>`
    select t.name from packages p join tags t on t.package_id = p.id
    where p.full_name = ${formatImageName(name)} and t.digest = ${digest} order by t.name limit 100`
  return rows.map((row) => row.name)
}
