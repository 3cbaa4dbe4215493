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
