import type { RepositoryRecord } from '../core/repository.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'

/** A package's key in the catalog. */
export type PackageId = number

export async function findPackage(reader: Reader, repositoryId: number, name: string): Promise<PackageId | null> {
  const row = await reader.first<{ id: number }>`
    select id from packages where repository_id = ${repositoryId} and name = ${name}`
  return row?.id ?? null
}

/** The package's id, made when it was not there. */
export async function savePackage(
  tx: Transaction,
  repository: RepositoryRecord,
  name: string,
  now: number,
): Promise<PackageId> {
  const found = await findPackage(tx, repository.id, name)
  if (found !== null) return found
  // Two may make it at once. The row is unique in two ways, and naming one of them would leave the other to fail: so
  // whoever comes second waits for the first, does nothing, and finds the first one's row.
  const made = await tx.first<{ id: number }>`
    insert into packages (repository_id, name, full_name, created_at)
    values (${repository.id}, ${name}, ${`${repository.name}/${name}`}, ${now})
    on conflict do nothing
    returning id`
  const id = made?.id ?? (await findPackage(tx, repository.id, name))
  if (id === null) throw new Error(`the package ${repository.name}/${name} is neither made nor there`)
  return id
}

/** A package as the catalog lists it. */
export interface ListedPackage {
  readonly repository_id: number
  readonly name: string
  readonly full_name: string
}

/**
 * Packages that hold something, in the order of their full names, out of some repositories.
 *
 * @param after  a full name; it need not exist
 */
export function listPackages(
  reader: Reader,
  repositoryIds: readonly number[],
  after: string,
  limit: number,
): Promise<ListedPackage[]> {
  return reader.all<ListedPackage>`
    select repository_id, name, full_name from packages
    where full_name > ${after} and repository_id in ${many(repositoryIds)}
      and exists (select 1 from artifacts where artifacts.package_id = packages.id)
    order by full_name limit ${limit}`
}
