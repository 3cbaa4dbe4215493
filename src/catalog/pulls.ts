import type { Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** That a tag or a digest of a package was pulled. */
export interface Pull {
  readonly pkg: PackageId
  readonly reference: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/**
 * Writes down when references were last pulled. A later time that stands there already stays, so replicas may write in
 * any order; a package that is gone takes nothing, and fails nothing.
 */
export async function savePulls(tx: Transaction, pulls: readonly Pull[]): Promise<void> {
  for (const { pkg, reference, at } of pulls) {
    await tx.run`
      insert into pulls (package_id, reference, pulled_at)
      select id, ${reference}, cast(${at} as bigint) from packages where id = ${pkg}
      on conflict (package_id, reference) do update set pulled_at = excluded.pulled_at
        where pulls.pulled_at < excluded.pulled_at`
  }
}

/** References of a package with a pull, in order, after one: what is remembered of them, whether they are still there. */
export async function removeStalePulls(
  tx: Transaction,
  pkg: PackageId,
  after: string,
  limit: number,
): Promise<string | null> {
  const rows = await tx.all<{ reference: string; is_there: number }>`
    select p.reference, case when exists (
        select 1 from tags t where t.package_id = p.package_id and t.name = p.reference)
      or exists (select 1 from artifacts a where a.package_id = p.package_id and a.digest = p.reference)
      then 1 else 0 end as is_there
    from pulls p where p.package_id = ${pkg} and p.reference > ${after} order by p.reference limit ${limit}`
  for (const { reference, is_there } of rows) {
    if (is_there === 0) await tx.run`delete from pulls where package_id = ${pkg} and reference = ${reference}`
  }
  return rows.length < limit ? null : (rows.at(-1)?.reference ?? null)
}
