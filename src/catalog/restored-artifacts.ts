import type { Digest } from '../core/digest.ts'
import { many, type Transaction } from '../storage/database.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'
import type { Restored, RestoreOrder } from './undelete.ts'
import { takeRoom } from './usage.ts'

/** Artifacts that are put back in one step. */
const STEP = 500
/** Most that are named in the answer. */
const MOST_NAMED = 100

/**
 * Makes living rows of deleted artifacts, with what they point at. One that was pushed again meanwhile lives already: its
 * deleted copy goes, and gives the room of its document back.
 */
export async function restoreArtifacts(
  tx: Transaction,
  pkg: PackageId,
  deletions: readonly DeletionId[],
  order: RestoreOrder,
  restored: Restored,
): Promise<void> {
  let doubledBytes = await documentBytes(tx, deletions)
  for (const deletion of deletions) {
    for (let after = 0; ; ) {
      const upTo = await endOfStep(tx, deletion, after)
      if (upTo === null) break
      const rows = await insertStep(tx, deletion, after, upTo, order.now)
      doubledBytes -= rows.reduce((sum, row) => sum + row.size, 0)
      const digests = rows.map((row) => row.digest)
      restored.manifestCount += digests.length
      restored.manifests.push(...digests.slice(0, MOST_NAMED - restored.manifests.length))
      await order.onRestored(digests)
      after = upTo
    }
  }
  await insertUses(tx, deletions)
  if (doubledBytes > 0) await giveBack(tx, pkg, doubledBytes)
}

async function documentBytes(tx: Transaction, deletions: readonly DeletionId[]): Promise<number> {
  const row = await tx.first<{ bytes: number }>`
    select cast(coalesce(sum(size), 0) as bigint) as bytes from deleted_artifacts
    where deletion_id in ${many(deletions)}`
  return row?.bytes ?? 0
}

async function endOfStep(tx: Transaction, deletion: DeletionId, after: number): Promise<number | null> {
  const row = await tx.first<{ id: number | null }>`
    select max(id) as id from (
      select id from deleted_artifacts where deletion_id = ${deletion} and id > ${after} order by id limit ${STEP}
    ) as step`
  return row?.id ?? null
}

/** What comes back counts as new from now on: else the rules that deleted it would do so again at once. */
function insertStep(
  tx: Transaction,
  deletion: DeletionId,
  after: number,
  upTo: number,
  now: number,
): Promise<{ digest: Digest; size: number }[]> {
  return tx.all`
    insert into artifacts (package_id, digest, media_type, artifact_type, subject, annotations, size, document,
                           pushed_at, pushed_by)
    select package_id, digest, media_type, artifact_type, subject, annotations, size, document,
           cast(${now} as bigint), pushed_by
    from deleted_artifacts where deletion_id = ${deletion} and id > ${after} and id <= ${upTo} order by id
    on conflict (package_id, digest) do nothing
    returning digest, size`
}

async function insertUses(tx: Transaction, deletions: readonly DeletionId[]): Promise<void> {
  await tx.run`
    insert into artifact_blobs (artifact_id, package_id, digest)
    select a.id, b.package_id, b.digest from deleted_artifacts d
    join artifacts a on a.package_id = d.package_id and a.digest = d.digest
    join deleted_artifact_blobs b on b.deleted_artifact_id = d.id
    where d.deletion_id in ${many(deletions)}
    on conflict do nothing`
  await tx.run`
    insert into artifact_children (artifact_id, digest)
    select a.id, c.digest from deleted_artifacts d
    join artifacts a on a.package_id = d.package_id and a.digest = d.digest
    join deleted_artifact_children c on c.deleted_artifact_id = d.id
    where d.deletion_id in ${many(deletions)}
    on conflict do nothing`
}

async function giveBack(tx: Transaction, pkg: PackageId, bytes: number): Promise<void> {
  const row = await tx.first<{ repository_id: number }>`select repository_id from packages where id = ${pkg}`
  if (row) await takeRoom(tx, row.repository_id, { blobs: 0, documents: -bytes })
}
