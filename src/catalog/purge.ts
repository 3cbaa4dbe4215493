import type { Digest } from '../core/digest.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import { lockPackage } from './deletions.ts'
import type { PackageId } from './packages.ts'
import { takeRoom } from './usage.ts'

/** Most artifacts of a deletion that one step purges. */
const ARTIFACTS = 8
/** Most rows of each other kind that one step purges. */
const ROWS = 200

/** What one step has purged. */
export interface Purged {
  readonly artifacts: number
  /** Manifests of which nothing was left, so that their scans went too. */
  readonly unscanned: readonly Digest[]
}

interface DeletedArtifact {
  readonly id: number
  readonly digest: Digest
  readonly size: number
}

/** Whether there is a deletion that can be taken back no longer. */
export async function hasDuePurge(reader: Reader, now: number): Promise<boolean> {
  return (await reader.first`select 1 as yes from deletions where purge_at <= ${now} limit 1`) !== null
}

/** Whether an artifact is in any package. */
export async function isHeldAnywhere(reader: Reader, digest: Digest): Promise<boolean> {
  return (await reader.first`select 1 as yes from artifacts where digest = ${digest} limit 1`) !== null
}

/**
 * Purges a part of the oldest deletion whose time is over; answers null when there is none.
 *
 * The deletion is marked first: one that is half gone must not be taken back by a process whose clock is behind.
 */
export async function purgeStep(tx: Transaction, now: number): Promise<Purged | null> {
  const deletion = await tx.first<{ id: number; package_id: PackageId }>`
    select id, package_id from deletions where purge_at <= ${now} order by purge_at, id limit 1`
  if (!deletion) return null
  const { id, package_id: pkg } = deletion
  // Whoever deletes from a package or takes something back holds it too, and only then looks at deletions.
  await lockPackage(tx, pkg)
  if ((await tx.run`update deletions set purge_at = 0 where id = ${id} and purge_at <= ${now}`) === 0) return null
  const artifacts = await tx.all<DeletedArtifact>`
    select id, digest, size from deleted_artifacts where deletion_id = ${id} order by id limit ${ARTIFACTS}`
  const purged: DeletedArtifact[] = []
  for (const artifact of artifacts) {
    if (await purgeArtifact(tx, artifact.id, now)) purged.push(artifact)
    else break // a big one: the rest of it comes with the next step
  }
  await giveRoomBack(tx, pkg, purged)
  const unscanned: Digest[] = []
  for (const { digest } of purged) {
    await forgetPulls(tx, pkg, digest)
    if (await forgetScan(tx, digest)) unscanned.push(digest)
  }
  const isRest = artifacts.length < ARTIFACTS && purged.length === artifacts.length
  if (isRest && (await purgeTags(tx, id, pkg))) await tx.run`delete from deletions where id = ${id}`
  return { artifacts: purged.length, unscanned }
}

/**
 * Takes a deleted artifact away, or a part of one that names very much; answers whether nothing of it is left. Reviews are
 * written before the uses go: see `dropUsedReviews`.
 */
async function purgeArtifact(tx: Transaction, id: number, now: number): Promise<boolean> {
  await tx.run`
    insert into link_reviews (package_id, digest, queued_at)
    select package_id, digest, cast(${now} as bigint) from deleted_artifact_blobs
    where deleted_artifact_id = ${id} order by digest limit ${ROWS}
    on conflict (package_id, digest) do update set queued_at = excluded.queued_at`
  const blobs = await tx.run`
    delete from deleted_artifact_blobs where deleted_artifact_id = ${id} and digest in (
      select digest from deleted_artifact_blobs where deleted_artifact_id = ${id} order by digest limit ${ROWS})`
  const children = await tx.run`
    delete from deleted_artifact_children where deleted_artifact_id = ${id} and digest in (
      select digest from deleted_artifact_children where deleted_artifact_id = ${id} order by digest limit ${ROWS})`
  if (blobs === ROWS || children === ROWS) return false
  await tx.run`delete from deleted_artifacts where id = ${id}`
  return true
}

async function giveRoomBack(tx: Transaction, pkg: PackageId, purged: readonly DeletedArtifact[]): Promise<void> {
  const documents = purged.reduce((sum, { size }) => sum + size, 0)
  if (documents === 0) return
  const row = await tx.first<{ repository_id: number }>`select repository_id from packages where id = ${pkg}`
  if (row) await takeRoom(tx, row.repository_id, { blobs: 0, documents: -documents })
}

/** Forgets when an artifact was pulled, unless it is still in the package or can be brought back. */
async function forgetPulls(tx: Transaction, pkg: PackageId, digest: Digest): Promise<void> {
  await tx.run`
    delete from pulls where package_id = ${pkg} and reference = ${digest}
      and not exists (select 1 from artifacts where package_id = ${pkg} and digest = ${digest})
      and not exists (select 1 from deleted_artifacts where package_id = ${pkg} and digest = ${digest})`
}

/** Forgets what was found in a manifest that is nowhere any more, neither living nor deleted. */
async function forgetScan(tx: Transaction, digest: Digest): Promise<boolean> {
  const removed = await tx.run`
    delete from scans where digest = ${digest}
      and not exists (select 1 from artifacts where digest = ${digest})
      and not exists (select 1 from deleted_artifacts where digest = ${digest})`
  return removed > 0
}

/** Takes deleted tags away; answers whether none is left. */
async function purgeTags(tx: Transaction, deletion: number, pkg: PackageId): Promise<boolean> {
  const tags = await tx.all<{ name: string }>`
    delete from deleted_tags where deletion_id = ${deletion} and name in (
      select name from deleted_tags where deletion_id = ${deletion} order by name limit ${ROWS})
    returning name`
  if (tags.length === 0) return true
  await tx.run`
    delete from pulls where package_id = ${pkg} and reference in ${many(tags.map(({ name }) => name))}
      and not exists (select 1 from tags t where t.package_id = pulls.package_id and t.name = pulls.reference)
      and not exists (select 1 from deleted_tags d
                      where d.package_id = pulls.package_id and d.name = pulls.reference)`
  return tags.length < ROWS
}
