import type { Digest } from '../core/digest.ts'
import { many, type Reader } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** Everything that goes when a manifest is deleted: see `moveArtifacts`. */
export interface Companions {
  /** The manifest itself first. */
  readonly digests: readonly Digest[]
  readonly tags: readonly { readonly name: string; readonly digest: Digest }[]
  /** When one of them was last pushed or pulled; milliseconds since 1970. */
  readonly usedAt: number
  /** Something else that needs one of them, in words; null when nothing does. */
  readonly obstacle: string | null
}

/** Digests asked for in one statement. */
const STEP = 500
/** What has more companions than this is left alone. */
const MOST = 100_000

/**
 * What would go together with a manifest: its referrers, theirs, and the fallback tags that speak of any of them with
 * what those point at.
 *
 * Where something else needs one of them there is an obstacle. So what may go is closed in itself, and of several
 * manifests that may go none changes what goes with another, in whatever order they do. Joins that must begin with the few
 * digests, and not with everything in the package, are cross joins, which are gone through from left to right.
 */
export async function findCompanions(reader: Reader, pkg: PackageId, digest: Digest): Promise<Companions> {
  const digests = new Set<Digest>([digest])
  const tags = new Map<string, Digest>()
  for (let fresh: Digest[] = [digest]; fresh.length > 0; ) {
    for (const each of await referrersOf(reader, pkg, fresh)) if (!digests.has(each)) fresh.push(each)
    for (const each of fresh) digests.add(each)
    const speaking = await inSteps([...new Set(fresh)], (step) => tagsAbout(reader, pkg, step))
    for (const tag of speaking) tags.set(tag.name, tag.digest)
    if (digests.size > MOST || tags.size > MOST) return tooMany(digest)
    fresh = [...new Set(speaking.map((tag) => tag.digest))].filter((each) => !digests.has(each))
    for (const each of fresh) digests.add(each)
  }
  const found = { digests: [...digests], tags: [...tags].map(([name, target]) => ({ name, digest: target })) }
  const usedAt = Math.max(0, ...(await inSteps(found.digests, (step) => usesOf(reader, pkg, step))))
  return { ...found, usedAt, obstacle: await findObstacle(reader, pkg, digests, tags) }
}

function tooMany(digest: Digest): Companions {
  return { digests: [digest], tags: [], usedAt: 0, obstacle: `more than ${MOST} manifests or tags would go with it` }
}

async function inSteps<T>(digests: readonly Digest[], ask: (step: readonly Digest[]) => Promise<T[]>): Promise<T[]> {
  const found: T[] = []
  for (let at = 0; at < digests.length; at += STEP) found.push(...(await ask(digests.slice(at, at + STEP))))
  return found
}

async function referrersOf(reader: Reader, pkg: PackageId, subjects: readonly Digest[]): Promise<Digest[]> {
  const rows = await inSteps(
    subjects,
    (step) => reader.all<{ digest: Digest }>`
      with recursive going (digest) as (
        select digest from artifacts where package_id = ${pkg} and subject in ${many(step)}
        union
        select a.digest from going g cross join artifacts a where a.package_id = ${pkg} and a.subject = g.digest)
      select digest from going limit ${MOST}`,
  )
  return rows.map((row) => row.digest)
}

/** When the last of some was pushed or pulled. */
async function usesOf(reader: Reader, pkg: PackageId, digests: readonly Digest[]): Promise<number[]> {
  const row = await reader.first<{ pushed_at: number | null; pulled_at: number | null }>`
    select max(a.pushed_at) as pushed_at, max(p.pulled_at) as pulled_at from artifacts a
    left join pulls p on p.package_id = a.package_id and p.reference = a.digest
    where a.package_id = ${pkg} and a.digest in ${many(digests)}`
  return [row?.pushed_at ?? 0, row?.pulled_at ?? 0]
}

/** `sha256-<hex>` and `sha256-<hex>.<what>`, as `moveFallbackTags` finds them. */
function tagsAbout(
  reader: Reader,
  pkg: PackageId,
  digests: readonly Digest[],
): Promise<{ name: string; digest: Digest }[]> {
  return reader.all`
    select t.name, t.digest from artifacts a
    join tags t on t.package_id = a.package_id
      and t.name >= replace(substr(a.digest, 1, 71), ':', '-')
      and t.name < replace(substr(a.digest, 1, 71), ':', '-') || '/'
    where a.package_id = ${pkg} and a.digest in ${many(digests)}
      and (t.name = replace(substr(a.digest, 1, 71), ':', '-')
        or t.name >= replace(substr(a.digest, 1, 71), ':', '-') || '.')
    limit ${MOST + 1}`
}

async function findObstacle(
  reader: Reader,
  pkg: PackageId,
  digests: ReadonlySet<Digest>,
  tags: ReadonlyMap<string, Digest>,
): Promise<string | null> {
  for (let at = 0, all = [...digests]; at < all.length; at += STEP) {
    const step = many(all.slice(at, at + STEP))
    const pointing = await reader.all<{ name: string; digest: Digest }>`
      select name, digest from tags where package_id = ${pkg} and digest in ${step}
      order by digest, name limit ${tags.size + 1}`
    const other = pointing.find(({ name }) => !tags.has(name))
    if (other) return `${other.digest} would go with it, and the tag ${other.name} points at that`
    const above = await reader.all<{ digest: Digest; needs: Digest }>`
      select c.digest, i.digest as needs from artifact_children c cross join artifacts i
      where c.digest in ${step} and i.id = c.artifact_id and i.package_id = ${pkg}
      union all
      select a.digest, s.digest as needs from artifacts a cross join artifacts s
      where a.package_id = ${pkg} and a.digest in ${step} and s.package_id = ${pkg} and s.digest = a.subject`
    const outside = above.find(({ needs }) => !digests.has(needs))
    if (outside) return `${outside.digest} would go with it, and belongs to ${outside.needs}`
  }
  return null
}
