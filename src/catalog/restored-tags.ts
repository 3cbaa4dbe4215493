import type { Digest } from '../core/digest.ts'
import { many, type Transaction } from '../storage/database.ts'
import type { DeletionId } from './deletions.ts'
import type { PackageId } from './packages.ts'
import type { Restored, RestoreOrder } from './undelete.ts'

/** A tag that cannot come back: what it pointed at is gone. */
export interface StrayTag {
  readonly tag: string
  readonly was: Digest
}

/** A tag that does not come back, because it was pushed again meanwhile. */
export interface TagElsewhere extends StrayTag {
  readonly digest: Digest
}

/** Tags that are put back in one step. */
const STEP = 500
/** Most that are named in the answer. */
const MOST_NAMED = 100

/** Sets a deletion's tags again, each with a line of history, where nobody has set them meanwhile. */
export async function restoreTags(
  tx: Transaction,
  pkg: PackageId,
  deletion: DeletionId,
  order: RestoreOrder,
  restored: Restored,
): Promise<void> {
  for (let after = ''; ; ) {
    const step = await tx.all<{ name: string }>`
      select name from deleted_tags where deletion_id = ${deletion} and name > ${after} order by name limit ${STEP}`
    const last = step.at(-1)
    if (!last) break
    const names = step.map((row) => row.name)
    const set = await insertStep(tx, deletion, names, order.now)
    await saveSettings(tx, deletion, set, order)
    restored.tagCount += set.length
    restored.tags.push(...set.slice(0, MOST_NAMED - restored.tags.length))
    after = last.name
  }
  restored.elsewhere.push(...(await listElsewhere(tx, pkg, deletion, MOST_NAMED - restored.elsewhere.length)))
}

/** As with the artifacts, a tag that comes back was set now. */
async function insertStep(
  tx: Transaction,
  deletion: DeletionId,
  names: readonly string[],
  now: number,
): Promise<string[]> {
  const rows = await tx.all<{ name: string }>`
    insert into tags (package_id, name, digest, media_type, updated_at)
    select t.package_id, t.name, a.digest, a.media_type, cast(${now} as bigint)
    from deleted_tags t join artifacts a on a.package_id = t.package_id and a.digest = t.digest
    where t.deletion_id = ${deletion} and t.name in ${many(names)}
    on conflict (package_id, name) do nothing
    returning name`
  return rows.map((row) => row.name).sort()
}

async function saveSettings(
  tx: Transaction,
  deletion: DeletionId,
  names: readonly string[],
  { by, now }: RestoreOrder,
): Promise<void> {
  if (names.length === 0) return
  await tx.run`
    insert into tag_history (package_id, name, digest, changed_at, changed_by)
    select package_id, name, digest, cast(${now} as bigint), ${by}
    from deleted_tags where deletion_id = ${deletion} and name in ${many(names)} order by name`
}

function listElsewhere(tx: Transaction, pkg: PackageId, deletion: DeletionId, limit: number): Promise<TagElsewhere[]> {
  return tx.all<TagElsewhere>`
    select d.name as tag, d.digest as was, t.digest as digest
    from deleted_tags d join tags t on t.package_id = ${pkg} and t.name = d.name
    where d.deletion_id = ${deletion} and t.digest <> d.digest order by d.name limit ${limit}`
}

/** Tags of deletions that are about to be forgotten, though what they pointed at does not live. */
export function missingTags(tx: Transaction, pkg: PackageId, deletions: readonly DeletionId[]): Promise<StrayTag[]> {
  return tx.all<StrayTag>`
    select d.name as tag, d.digest as was from deleted_tags d
    where d.deletion_id in ${many(deletions)}
      and not exists (select 1 from artifacts a where a.package_id = ${pkg} and a.digest = d.digest)
    order by d.name limit ${MOST_NAMED}`
}
