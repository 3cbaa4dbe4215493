import type { Digest } from '../core/digest.ts'
import { many, type Transaction } from '../storage/database.ts'
import { moveFallbackTags, moveTagsOfArtifacts } from './deleted-tags.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'

/**
 * How often what fallback tags point at is looked at for fallback tags of its own. Real images have one step (a
 * signature), seldom two; what somebody has built beyond this stays where it is.
 */
const MOST_STEPS = 32
/** Artifacts that one statement takes. A list of keys has one plan, whatever the database believes of a table's size. */
const BATCH = 1_000

/**
 * Moves artifacts into a deletion, with everything that lives only for them: artifacts whose subject they are, however
 * long the chain, fallback tags that speak of them, and what those point at when nothing else needs it.
 *
 * Nothing of it passes through the program: the rows are copied and removed where they are.
 */
export async function moveArtifacts(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  digests: readonly Digest[],
): Promise<void> {
  await copyNamed(tx, pkg, deletion, digests)
  await removeCopied(tx, pkg, deletion, 0)
  let after = 0
  for (let step = 0; step < MOST_STEPS; step++) {
    const named = await lastCopied(tx, deletion)
    await copyReferrers(tx, pkg, deletion, after)
    await removeCopied(tx, pkg, deletion, named)
    await moveTagsOfArtifacts(tx, pkg, deletion, after)
    const speaking = await moveFallbackTags(tx, pkg, deletion, after)
    if (speaking === 0) return
    after = await lastCopied(tx, deletion)
    if ((await copyFreed(tx, pkg, deletion)) === 0) return
    await removeCopied(tx, pkg, deletion, after)
  }
}

async function lastCopied(tx: Transaction, deletion: DeletionId): Promise<number> {
  const row = await tx.first<{ id: number | null }>`
    select max(id) as id from deleted_artifacts where deletion_id = ${deletion}`
  return row?.id ?? 0
}

async function copyNamed(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  digests: readonly Digest[],
): Promise<void> {
  await tx.run`
    insert into deleted_artifacts (deletion_id, package_id, digest, media_type, artifact_type, subject, annotations,
                                   size, document, pushed_at, pushed_by)
    select d.id, a.package_id, a.digest, a.media_type, a.artifact_type, a.subject, a.annotations,
           a.size, a.document, a.pushed_at, a.pushed_by
    from deletions d join artifacts a on a.package_id = d.package_id
    where d.id = ${deletion} and a.package_id = ${pkg} and a.digest in ${many(digests)}`
}

/**
 * A list that a union makes has everything once: so a circle ends, and a chain is one statement however long it is. The
 * cross join keeps one engine from going through the whole package for each of them.
 */
async function copyReferrers(tx: Transaction, pkg: PackageId, deletion: DeletionId, after: number): Promise<void> {
  await tx.run`
    insert into deleted_artifacts (deletion_id, package_id, digest, media_type, artifact_type, subject, annotations,
                                   size, document, pushed_at, pushed_by)
    with recursive going (digest) as (
      select digest from deleted_artifacts where deletion_id = ${deletion} and id > ${after}
      union
      select a.digest from going g cross join artifacts a where a.package_id = ${pkg} and a.subject = g.digest)
    select d.id, a.package_id, a.digest, a.media_type, a.artifact_type, a.subject, a.annotations,
           a.size, a.document, a.pushed_at, a.pushed_by
    from deletions d join artifacts a on a.package_id = d.package_id
    where d.id = ${deletion} and a.package_id = ${pkg} and a.digest in (select digest from going)`
}

/**
 * What the tags of a deletion pointed at, where no other tag does, no index lists it, and it is not about something
 * that stays: a tag alone must not be able to take an image of somebody else along.
 */
async function copyFreed(tx: Transaction, pkg: PackageId, deletion: DeletionId): Promise<number> {
  let copied = 0
  for (let after = ''; ; ) {
    const named = await tx.all<{ digest: Digest }>`
      select distinct digest from deleted_tags where deletion_id = ${deletion} and digest > ${after}
      order by digest limit ${BATCH}`
    const last = named.at(-1)
    if (!last) return copied
    const digests = named.map(({ digest }) => digest)
    copied += await copyUnneeded(tx, pkg, deletion, digests)
    after = last.digest
  }
}

function copyUnneeded(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  digests: readonly Digest[],
): Promise<number> {
  return tx.run`
    insert into deleted_artifacts (deletion_id, package_id, digest, media_type, artifact_type, subject, annotations,
                                   size, document, pushed_at, pushed_by)
    select d.id, a.package_id, a.digest, a.media_type, a.artifact_type, a.subject, a.annotations,
           a.size, a.document, a.pushed_at, a.pushed_by
    from deletions d join artifacts a on a.package_id = d.package_id
    where d.id = ${deletion} and a.package_id = ${pkg} and a.digest in ${many(digests)}
      and not exists (select 1 from tags t where t.package_id = ${pkg} and t.digest = a.digest)
      and not exists (
        select 1 from artifact_children c cross join artifacts parent
        where c.digest = a.digest and parent.id = c.artifact_id and parent.package_id = ${pkg})
      and not exists (select 1 from artifacts s where s.package_id = ${pkg} and s.digest = a.subject)`
}

/** Copies what the copied artifacts point at, then removes the living rows; a push of the same waits from here on. */
async function removeCopied(tx: Transaction, pkg: PackageId, deletion: DeletionId, from: number): Promise<void> {
  for (let after = from; ; ) {
    const copied = await tx.all<{ id: number; digest: Digest }>`
      select id, digest from deleted_artifacts where deletion_id = ${deletion} and id > ${after}
      order by id limit ${BATCH}`
    const last = copied.at(-1)
    if (!last) return
    await copyUses(tx, deletion, after, last.id)
    const digests = copied.map(({ digest }) => digest)
    await tx.run`delete from artifacts where package_id = ${pkg} and digest in ${many(digests)}`
    after = last.id
  }
}

async function copyUses(tx: Transaction, deletion: DeletionId, after: number, upTo: number): Promise<void> {
  await tx.run`
    insert into deleted_artifact_blobs (deleted_artifact_id, package_id, digest)
    select d.id, d.package_id, b.digest from deleted_artifacts d
    join artifacts a on a.package_id = d.package_id and a.digest = d.digest
    join artifact_blobs b on b.artifact_id = a.id
    where d.deletion_id = ${deletion} and d.id > ${after} and d.id <= ${upTo}`
  await tx.run`
    insert into deleted_artifact_children (deleted_artifact_id, digest)
    select d.id, c.digest from deleted_artifacts d
    join artifacts a on a.package_id = d.package_id and a.digest = d.digest
    join artifact_children c on c.artifact_id = a.id
    where d.deletion_id = ${deletion} and d.id > ${after} and d.id <= ${upTo}`
}
