import type { Referrer } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import type { Reader } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

interface ReferrerRow {
  media_type: string
  digest: Digest
  size: number
  artifact_type: string | null
  annotations: string | null
}

/** What to look for among the artifacts that name a subject. */
export interface ReferrerQuery {
  readonly subject: Digest
  /** Only this kind; absent means all. */
  readonly artifactType?: string
  /** The digest to go on after; empty at the beginning. */
  readonly after: string
  readonly limit: number
  /** Of documents, in bytes. */
  readonly maxBytes: number
}

/**
 * Artifacts of a package that name the subject, in the order of their digests. The subject need not be there.
 *
 * Their annotations may have megabytes, so the list also ends with the first one whose document takes the sum of sizes
 * over `maxBytes`.
 */
export async function listReferrers(reader: Reader, pkg: PackageId, query: ReferrerQuery): Promise<Referrer[]> {
  const rows =
    query.artifactType === undefined ? await rowsOf(reader, pkg, query) : await rowsOfType(reader, pkg, query)
  return rows.map((row) => ({
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size,
    artifactType: row.artifact_type,
    // Written by saveArtifact from a checked map of texts.
    annotations: row.annotations === null ? null : (JSON.parse(row.annotations) as Record<string, string>),
  }))
}

function rowsOf(reader: Reader, pkg: PackageId, query: ReferrerQuery): Promise<ReferrerRow[]> {
  return reader.all<ReferrerRow>`
    select media_type, digest, size, artifact_type, annotations from (
      select found.*, sum(size) over (order by digest) - size as before from (
        select media_type, digest, size, artifact_type, annotations from artifacts
        where package_id = ${pkg} and subject = ${query.subject} and digest > ${query.after}
        order by digest limit ${query.limit}
      ) as found
    ) as summed
    where before <= ${query.maxBytes} order by digest`
}

/** A question of its own, for an index of its own: a condition that may be off would keep the engines from using it. */
function rowsOfType(reader: Reader, pkg: PackageId, query: ReferrerQuery): Promise<ReferrerRow[]> {
  return reader.all<ReferrerRow>`
    select media_type, digest, size, artifact_type, annotations from (
      select found.*, sum(size) over (order by digest) - size as before from (
        select media_type, digest, size, artifact_type, annotations from artifacts
        where package_id = ${pkg} and subject = ${query.subject} and artifact_type = ${query.artifactType ?? ''}
          and digest > ${query.after}
        order by digest limit ${query.limit}
      ) as found
    ) as summed
    where before <= ${query.maxBytes} order by digest`
}

/** The first subject that artifacts of a package name and whose digest begins so. */
export async function findSubject(reader: Reader, pkg: PackageId, beginning: string): Promise<Digest | null> {
  // What follows is hexadecimal, so everything that begins so comes before the same text with a "g" behind it.
  const row = await reader.first<{ subject: Digest }>`
    select subject from artifacts
    where package_id = ${pkg} and subject >= ${beginning} and subject < ${`${beginning}g`}
    order by subject limit 1`
  return row?.subject ?? null
}
