import type { Referrer } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import type { Reader } from '../storage/database.ts'

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
}

/** Artifacts of a package that name the subject, in the order of their digests. The subject need not be there. */
export async function listReferrers(
  reader: Reader,
  repositoryId: number,
  pkg: string,
  query: ReferrerQuery,
): Promise<Referrer[]> {
  const type = query.artifactType ?? ''
  const rows = await reader.all<ReferrerRow>`
    select a.media_type, a.digest, a.size, a.artifact_type, a.annotations
    from packages p join artifacts a on a.package_id = p.id
    where p.repository_id = ${repositoryId} and p.name = ${pkg}
      and a.subject = ${query.subject} and a.digest > ${query.after}
      and (${type} = '' or a.artifact_type = ${type})
    order by a.digest limit ${query.limit}`
  return rows.map((row) => ({
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size,
    artifactType: row.artifact_type,
    // Written by saveArtifact from a checked map of texts.
    annotations: row.annotations === null ? null : (JSON.parse(row.annotations) as Record<string, string>),
  }))
}

/** The first subject that artifacts of a package name and whose digest begins so. */
export async function findSubject(
  reader: Reader,
  repositoryId: number,
  pkg: string,
  beginning: string,
): Promise<Digest | null> {
  // What follows is hexadecimal, so everything that begins so comes before the same text with a "g" behind it.
  const row = await reader.first<{ subject: Digest }>`
    select a.subject from packages p join artifacts a on a.package_id = p.id
    where p.repository_id = ${repositoryId} and p.name = ${pkg}
      and a.subject >= ${beginning} and a.subject < ${`${beginning}g`}
    order by a.subject limit 1`
  return row?.subject ?? null
}
