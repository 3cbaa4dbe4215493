import type { RepositoryRecord } from '../core/repository.ts'
import type { Reader, Transaction } from '../storage/database.ts'

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

/**
 * Full names of packages that hold something, in order, after one that need not exist.
 *
 * The index knows all that do, and perhaps one that does no more. It is asked one by one: as a join the whole table of
 * artifacts might be read first.
 */
export async function listAllPackages(reader: Reader, after: string, limit: number): Promise<string[]> {
  const rows = await reader.all<{ full_name: string }>`
    select full_name from packages
    where filled = 1 and full_name > ${after}
      and (select 1 from artifacts where artifacts.package_id = packages.id limit 1) = 1
    order by full_name limit ${limit}`
  return rows.map((row) => row.full_name)
}

/** Names of a repository's packages that hold something, in order, after one that need not exist. */
export async function listPackages(
  reader: Reader,
  repositoryId: number,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await reader.all<{ name: string }>`
    select name from packages
    where filled = 1 and repository_id = ${repositoryId} and name > ${after}
      and (select 1 from artifacts where artifacts.package_id = packages.id limit 1) = 1
    order by name limit ${limit}`
  return rows.map((row) => row.name)
}

/** Packages of a repository with their numbers, in order of names, after one or from it on. */
export function listPackageIds(
  reader: Reader,
  repositoryId: number,
  { name, isIncluded }: { readonly name: string; readonly isIncluded: boolean },
  limit: number,
): Promise<{ id: PackageId; name: string }[]> {
  return reader.all`
    select id, name from packages
    where repository_id = ${repositoryId} and name >= ${name} and (name > ${name} or ${isIncluded ? 1 : 0} = 1)
    order by name limit ${limit}`
}
