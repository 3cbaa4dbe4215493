import type { Digest } from '../core/digest.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** A tag as rules of retention see it. */
export interface TagRow {
  readonly name: string
  readonly digest: Digest
  readonly set_at: number
  readonly pulled_at: number | null
}

/** A manifest as rules of retention see it. */
export interface ManifestRow {
  readonly digest: Digest
  readonly pushed_at: number
  readonly pulled_at: number | null
  /** The first of the tags that point at it. */
  readonly tag: string | null
  /** Its subject, when that is in the same package. */
  readonly subject: Digest | null
  /** 1 when something is about it: an artifact by its subject, or a fallback tag by its name. */
  readonly has_companions: number
}

/** What else may need a manifest that no tag points at. */
export interface ManifestNeeds {
  readonly index: Digest | null
  /** When the last tag left it. */
  readonly untagged_at: number | null
  /** A deleted tag that points at it, and can be brought back. */
  readonly deleted_tag: string | null
  /** A deleted index that lists it, and can be brought back. */
  readonly deleted_index: Digest | null
}

/**
 * Tags of a package after one, in order.
 *
 * A tag may be about a manifest, as `sha256-<hex>.sig` is (see `moveFallbackTags`); a digest of sha512 is cut in it.
 */
export function listTagRows(
  reader: Reader,
  pkg: PackageId,
  after: string,
  limit: number,
): Promise<(TagRow & { readonly speaks: number })[]> {
  return reader.all`
    select t.name, t.digest, t.updated_at as set_at, p.pulled_at,
      case when substr(t.name, 1, 7) in ('sha256-', 'sha512-') and substr(t.name, 72, 1) in ('', '.') and exists (
        select 1 from artifacts s where s.package_id = t.package_id
          and s.digest >= replace(substr(t.name, 1, 71), '-', ':')
          and s.digest < replace(substr(t.name, 1, 71), '-', ':') || 'g')
      then 1 else 0 end as speaks
    from tags t
    left join pulls p on p.package_id = t.package_id and p.reference = t.name
    where t.package_id = ${pkg} and t.name > ${after} order by t.name limit ${limit}`
}

/** Manifests of a package after one, in the order of their digests. */
export function listManifestRows(reader: Reader, pkg: PackageId, after: string, limit: number): Promise<ManifestRow[]> {
  // No digest has a character before "0" in that place, nor begins with one as late as "~".
  return manifestRows(reader, pkg, { from: `${after}!`, to: '~' }, limit)
}

/** What a walk sees of manifests, and what is looked at again before one goes: the same question, or they would differ. */
function manifestRows(
  reader: Reader,
  pkg: PackageId,
  { from, to }: { readonly from: string; readonly to: string },
  limit: number,
): Promise<ManifestRow[]> {
  return reader.all<ManifestRow>`
    select a.digest, a.pushed_at, p.pulled_at,
      (select min(t.name) from tags t where t.package_id = a.package_id and t.digest = a.digest) as tag,
      (select s.digest from artifacts s where s.package_id = a.package_id and s.digest = a.subject) as subject,
      case when exists (select 1 from artifacts r where r.package_id = a.package_id and r.subject = a.digest)
        or exists (
          select 1 from tags f where f.package_id = a.package_id
            and f.name >= replace(substr(a.digest, 1, 71), ':', '-')
            and f.name < replace(substr(a.digest, 1, 71), ':', '-') || '/')
      then 1 else 0 end as has_companions
    from artifacts a
    left join pulls p on p.package_id = a.package_id and p.reference = a.digest
    where a.package_id = ${pkg} and a.digest >= ${from} and a.digest <= ${to} order by a.digest limit ${limit}`
}

/**
 * What else needs a manifest: asked only of the few that no tag and no subject keeps.
 *
 * A cross join is gone through from left to right: an engine that began with all manifests of the package would read
 * them all for each of them.
 */
export async function findManifestNeeds(reader: Reader, pkg: PackageId, digest: Digest): Promise<ManifestNeeds> {
  const row = await reader.first<ManifestNeeds>`
    select
      (select min(i.digest) from artifact_children c cross join artifacts i
       where c.digest = ${digest} and i.id = c.artifact_id and i.package_id = ${pkg}) as "index",
      (select max((select n.changed_at from tag_history n
                   where n.package_id = h.package_id and n.name = h.name and n.id > h.id order by n.id limit 1))
       from tag_history h where h.package_id = ${pkg} and h.digest = ${digest}) as untagged_at,
      (select d.name from deleted_tags d where d.package_id = ${pkg} and d.digest = ${digest}
       order by d.digest limit 1) as deleted_tag,
      (select min(i.digest) from deleted_artifact_children c cross join deleted_artifacts i
       where c.digest = ${digest} and i.id = c.deleted_artifact_id and i.package_id = ${pkg}) as deleted_index`
  if (!row) throw new Error('a select without a table answered no row')
  return row
}

/** Holds a tag until the end of the transaction; null when it is not there, or no longer as it was. */
export async function holdTag(
  tx: Transaction,
  pkg: PackageId,
  { name, digest, set_at }: TagRow,
): Promise<TagRow | null> {
  const held = await tx.run`
    update tags set updated_at = updated_at
    where package_id = ${pkg} and name = ${name} and digest = ${digest} and updated_at = ${set_at}`
  if (held === 0) return null
  // What was pulled meanwhile counts.
  return tx.first<TagRow>`
    select t.name, t.digest, t.updated_at as set_at, p.pulled_at from tags t
    left join pulls p on p.package_id = t.package_id and p.reference = t.name
    where t.package_id = ${pkg} and t.name = ${name}`
}

/** Holds a manifest until the end of the transaction: who pushes it, or a tag for it, waits. Null when it is gone. */
export async function holdManifest(tx: Transaction, pkg: PackageId, digest: Digest): Promise<ManifestRow | null> {
  const held = await tx.run`
    update artifacts set pushed_at = pushed_at where package_id = ${pkg} and digest = ${digest}`
  if (held === 0) return null
  const [row] = await manifestRows(tx, pkg, { from: digest, to: digest }, 1)
  return row ?? null
}
