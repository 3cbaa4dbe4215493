import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { many, type Transaction } from '../storage/database.ts'
import { touchBlobs } from './blobs.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'
import { restoreArtifacts } from './restored-artifacts.ts'
import { missingTags, restoreTags, type StrayTag, type TagElsewhere } from './restored-tags.ts'

/** Most deletions that come back with one, because it cannot do without what they hold. */
const MOST_DELETIONS = 1_000
/** Blobs that are looked at in one step. */
const STEP = 1_000

/** How something deleted is taken back. */
export interface RestoreOrder {
  readonly by: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** Whether every blob must be there, as the repository demands of a push. */
  readonly needsBlobs: boolean
  /** Told of artifacts that live again, some at a time, in the transaction. */
  readonly onRestored: (digests: readonly Digest[]) => Promise<void>
}

/** What came back. Lists have at most a hundred entries; the numbers count everything. */
export interface Restored {
  readonly manifests: Digest[]
  manifestCount: number
  readonly tags: string[]
  tagCount: number
  /** Tags that point at something else by now, and stay there. */
  readonly elsewhere: TagElsewhere[]
  /** Tags whose artifact is gone for good. */
  readonly stray: StrayTag[]
}

/**
 * Takes a deletion back with everything in it, and with the deletions that hold what it cannot do without: what its tags
 * point at, and what its indexes list. The caller has locked the package.
 *
 * The deletion's row is taken before anything else: whoever purges it at this moment has done so before, or finds nothing.
 *
 * @returns null when it is gone, or given up
 * @throws RegistryError `CONFLICT` when blobs are not there any more, `QUOTA_EXCEEDED` never: the room is still taken
 */
export async function restoreDeletion(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  order: RestoreOrder,
): Promise<Restored | null> {
  const deletions = await claimWithNeeded(tx, pkg, deletion, order.now)
  if (deletions.length === 0) return null
  await checkBlobs(tx, pkg, deletions, order)
  const restored: Restored = { manifests: [], manifestCount: 0, tags: [], tagCount: 0, elsewhere: [], stray: [] }
  await restoreArtifacts(tx, pkg, deletions, order, restored)
  for (const each of deletions) await restoreTags(tx, pkg, each, order, restored)
  restored.stray.push(...(await missingTags(tx, pkg, deletions)))
  await tx.run`delete from deletions where id in ${many(deletions)}`
  return restored
}

/** The deletion first, then what it needs, then what that needs. */
async function claimWithNeeded(tx: Transaction, pkg: PackageId, first: DeletionId, now: number): Promise<DeletionId[]> {
  if (!(await claim(tx, pkg, first, now))) return []
  const claimed = new Set([first])
  // A set is gone through in the order of adding, also of what is added meanwhile.
  for (const deletion of claimed) {
    for (const needed of await neededBy(tx, pkg, deletion, now)) {
      if (claimed.size >= MOST_DELETIONS) return [...claimed]
      if (!claimed.has(needed) && (await claim(tx, pkg, needed, now))) claimed.add(needed)
    }
  }
  return [...claimed]
}

async function claim(tx: Transaction, pkg: PackageId, deletion: DeletionId, now: number): Promise<boolean> {
  const claimed = await tx.run`
    update deletions set purge_at = purge_at where id = ${deletion} and package_id = ${pkg} and purge_at > ${now}`
  return claimed > 0
}

/**
 * The latest deletion of each artifact that a deletion's tags and indexes name, and that neither lives nor is in it. The
 * cross joins say in which order to look: from the few that are named, not from everything deleted of the package.
 */
async function neededBy(tx: Transaction, pkg: PackageId, deletion: DeletionId, now: number): Promise<DeletionId[]> {
  const rows = await tx.all<{ id: DeletionId }>`
    select max(h.deletion_id) as id
    from (
      select t.digest as digest from deleted_tags t where t.deletion_id = ${deletion}
      union
      select c.digest from deleted_artifacts a
      join deleted_artifact_children c on c.deleted_artifact_id = a.id where a.deletion_id = ${deletion}
    ) as named
    cross join deleted_artifacts h cross join deletions d
    where h.package_id = ${pkg} and h.digest = named.digest and d.id = h.deletion_id and d.purge_at > ${now}
      and not exists (select 1 from artifacts l where l.package_id = ${pkg} and l.digest = named.digest)
      and not exists (
        select 1 from deleted_artifacts own where own.deletion_id = ${deletion} and own.package_id = ${pkg}
          and own.digest = named.digest)
    group by named.digest order by id desc limit ${MOST_DELETIONS}`
  return rows.map((row) => row.id)
}

/**
 * The collector keeps the blobs of what is deleted, but a client may have hidden one by itself. Their rows are taken as
 * for a push, in the order of digests.
 */
async function checkBlobs(
  tx: Transaction,
  pkg: PackageId,
  deletions: readonly DeletionId[],
  { now, needsBlobs }: RestoreOrder,
): Promise<void> {
  const missing: Digest[] = []
  for (let after = ''; ; ) {
    const rows = await tx.all<{ digest: Digest }>`
      select distinct b.digest as digest from deleted_artifacts a
      join deleted_artifact_blobs b on b.deleted_artifact_id = a.id
      where a.deletion_id in ${many(deletions)} and b.digest > ${after} order by b.digest limit ${STEP}`
    const digests = rows.map((row) => row.digest)
    const present = await touchBlobs(tx, pkg, digests, now)
    for (const digest of digests) if (!present.has(digest)) missing.push(digest)
    const last = digests.at(-1)
    if (last === undefined || rows.length < STEP || (needsBlobs && missing.length > 0)) break
    after = last
  }
  if (!needsBlobs || missing.length === 0) return
  throw new RegistryError(
    'CONFLICT',
    missing.slice(0, 20).map((digest) => ({ digest })),
    { message: `it cannot be brought back: blob ${missing[0]} was removed from the image since; push the image again` },
  )
}
