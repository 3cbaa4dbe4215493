import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Reader } from '../../src/storage/database.ts'

interface Link {
  readonly package_id: number
  readonly repository_id: number
  readonly digest: string
  readonly size: number | null
}

/**
 * What is not as it should be in the tables, a sentence each; none is the only good answer. It asks for everything at
 * once, so nobody else may be writing.
 */
export async function findUntruths(db: Reader): Promise<string[]> {
  const links = await db.all<Link>`
    select l.package_id, p.repository_id, l.digest, b.size from package_blobs l
    join packages p on p.id = l.package_id left join blobs b on b.digest = l.digest`
  const wrong = links
    .filter(({ size }) => size === null)
    .map((link) => `package ${link.package_id} shows ${link.digest}, which has no row`)
  return [
    ...wrong,
    ...(await untrueUses(db)),
    ...(await untrueHolders(db, links)),
    ...(await untrueUsage(db, links)),
    ...(await forgottenLinks(db)),
  ]
}

/** What a manifest names is in its package, unless the repository takes manifests that are not whole. */
async function untrueUses(db: Reader): Promise<string[]> {
  const misplaced = await db.all<{ digest: string }>`
    select b.digest from artifact_blobs b join artifacts a on a.id = b.artifact_id where a.package_id <> b.package_id`
  const missing = await db.all<{ digest: string; package_id: number }>`
    select b.digest, b.package_id from artifact_blobs b
    where not exists (select 1 from package_blobs l where l.package_id = b.package_id and l.digest = b.digest)`
  const pointless = await db.all<{ name: string }>`
    select t.name from tags t
    where not exists (select 1 from artifacts a where a.package_id = t.package_id and a.digest = t.digest)`
  return [
    ...misplaced.map(({ digest }) => `a use of ${digest} stands under another package than its manifest`),
    ...missing.map((use) => `a manifest of package ${use.package_id} needs ${use.digest}, which is not shown there`),
    ...pointless.map(({ name }) => `the tag ${name} points at nothing`),
  ]
}

async function untrueHolders(db: Reader, links: readonly Link[]): Promise<string[]> {
  const rows = await db.all<{ repository_id: number; digest: string; packages: number }>`
    select repository_id, digest, packages from repository_blobs`
  const counted = new Map(rows.map((row) => [`${row.repository_id} ${row.digest}`, row.packages]))
  const actual = new Map<string, number>()
  for (const { repository_id, digest } of links) {
    const key = `${repository_id} ${digest}`
    actual.set(key, (actual.get(key) ?? 0) + 1)
  }
  return [...new Set([...counted.keys(), ...actual.keys()])]
    .filter((key) => counted.get(key) !== actual.get(key))
    .map((key) => `repository and blob ${key}: counted ${counted.get(key)}, in ${actual.get(key)} packages`)
}

async function untrueUsage(db: Reader, links: readonly Link[]): Promise<string[]> {
  const blobs = new Map<number, Map<string, number>>()
  for (const { repository_id, digest, size } of links) {
    const held = blobs.get(repository_id) ?? new Map<string, number>()
    blobs.set(repository_id, held.set(digest, size ?? 0))
  }
  const documents = await db.all<{ repository_id: number; bytes: number }>`
    select p.repository_id, cast(sum(a.size) as bigint) as bytes from (
      select package_id, size from artifacts union all select package_id, size from deleted_artifacts) a
    join packages p on p.id = a.package_id group by p.repository_id`
  const documentBytes = new Map(documents.map(({ repository_id, bytes }) => [repository_id, bytes]))
  const counted = await db.all<{ repository_id: number; blob_bytes: number; document_bytes: number }>`
    select repository_id, blob_bytes, document_bytes from repository_usage`
  return counted.flatMap(({ repository_id: id, blob_bytes, document_bytes }) => {
    const [heldBlobs, heldDocuments] = [sum(blobs.get(id)?.values() ?? []), documentBytes.get(id) ?? 0]
    if (blob_bytes === heldBlobs && document_bytes === heldDocuments) return []
    return [`repository ${id} is said to hold ${blob_bytes} + ${document_bytes}, holds ${heldBlobs} + ${heldDocuments}`]
  })
}

/** What nothing uses must be on the collector's list, or nobody will ever look at it again. */
async function forgottenLinks(db: Reader): Promise<string[]> {
  const rows = await db.all<{ package_id: number; digest: string }>`
    select l.package_id, l.digest from package_blobs l
    where not exists (select 1 from artifact_blobs b where b.package_id = l.package_id and b.digest = l.digest)
      and not exists (
        select 1 from deleted_artifact_blobs d where d.package_id = l.package_id and d.digest = l.digest)
      and not exists (select 1 from link_reviews v where v.package_id = l.package_id and v.digest = l.digest)`
  return rows.map((row) => `nobody will review ${row.digest} in package ${row.package_id}`)
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** Where store and tables disagree: rows whose bytes are not all there, and bytes that no row speaks of. */
export async function compareWithStore(db: Reader, blobs: BlobStore): Promise<{ lost: string[]; orphans: string[] }> {
  const rows = await db.all<{ location: string; size: number }>`select location, size from blobs`
  const condemned = await db.all<{ location: string }>`select location from condemned_blobs`
  const stored = new Map((await Array.fromAsync(blobs.list())).map(({ location, size }) => [location, size]))
  const lost = rows.filter(({ location, size }) => stored.get(location) !== size).map(({ location }) => location)
  const known = new Set([...rows, ...condemned].map(({ location }) => location))
  return { lost, orphans: [...stored.keys()].filter((location) => !known.has(location)) }
}
