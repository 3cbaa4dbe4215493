import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { fitsTagPattern } from '../core/tag-pattern.ts'
import type { Transaction } from '../storage/database.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'

// The cross joins below say in which order to look: upwards from the few that are deleted, not through the package.

/** Tags that are looked at in one step. */
const STEP = 1_000

/** The first pattern that makes a tag immutable, or null. */
export function immutableBy(patterns: readonly string[], tag: string): string | null {
  return patterns.find((pattern) => fitsTagPattern([pattern], tag)) ?? null
}

/** The refusal, with the tag and the pattern that protects it. */
export function tagImmutable(tag: string, pattern: string, what = 'it cannot be moved'): RegistryError {
  return new RegistryError(
    'TAG_IMMUTABLE',
    { tag, pattern },
    { message: `the tag "${tag}" is immutable in this repository (pattern "${pattern}"): ${what}` },
  )
}

/**
 * Refuses a deletion, once its rows are moved, that holds an immutable tag, or something that an index under an
 * immutable tag lists.
 *
 * @throws RegistryError `TAG_IMMUTABLE`
 */
export async function refuseImmutable(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  patterns: readonly string[],
): Promise<void> {
  if (patterns.length === 0) return
  const moved = (after: string) => tx.all<{ name: string }>`
    select name from deleted_tags where deletion_id = ${deletion} and name > ${after} order by name limit ${STEP}`
  await refuseFirst(moved, patterns, 'neither it nor what it points at can be deleted')
  const above = (after: string) => tx.all<{ name: string }>`
    with recursive above (digest) as (
      select a.digest from deleted_artifacts d cross join artifact_children c cross join artifacts a
      where d.deletion_id = ${deletion} and c.digest = d.digest and a.id = c.artifact_id and a.package_id = ${pkg}
      union
      select a.digest from above cross join artifact_children c cross join artifacts a
      where c.digest = above.digest and a.id = c.artifact_id and a.package_id = ${pkg})
    select t.name from above cross join tags t
    where t.package_id = ${pkg} and t.digest = above.digest and t.name > ${after} order by t.name limit ${STEP}`
  await refuseFirst(above, patterns, 'what its index lists cannot be deleted')
}

/**
 * Refuses to hide a blob, once it is hidden, that something under an immutable tag cannot do without. The blob's row is
 * held by then, as a push holds it: so none that needs the blob is under way.
 *
 * @throws RegistryError `TAG_IMMUTABLE`
 */
export async function refuseBlobOfImmutable(
  tx: Transaction,
  pkg: PackageId,
  digest: Digest,
  patterns: readonly string[],
): Promise<void> {
  if (patterns.length === 0) return
  const above = (after: string) => tx.all<{ name: string }>`
    with recursive above (digest) as (
      select a.digest from artifact_blobs b cross join artifacts a
      where b.package_id = ${pkg} and b.digest = ${digest} and a.id = b.artifact_id
      union
      select a.digest from above cross join artifact_children c cross join artifacts a
      where c.digest = above.digest and a.id = c.artifact_id and a.package_id = ${pkg})
    select t.name from above cross join tags t
    where t.package_id = ${pkg} and t.digest = above.digest and t.name > ${after} order by t.name limit ${STEP}`
  await refuseFirst(above, patterns, 'blobs of what it points at cannot be deleted')
}

async function refuseFirst(
  page: (after: string) => Promise<{ name: string }[]>,
  patterns: readonly string[],
  what: string,
): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await page(after)
    for (const { name } of rows) {
      const pattern = immutableBy(patterns, name)
      if (pattern !== null) throw tagImmutable(name, pattern, what)
    }
    const last = rows.at(-1)
    if (!last || rows.length < STEP) return
    after = last.name
  }
}
