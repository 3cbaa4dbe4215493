import type { HeldArtifact, Referrer } from '../../core/artifact.ts'
import { type Digest, digestOf, isDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import type { ReadablePackage } from '../../repositories/package.ts'
import { isObject, type JsonObject, parseJsonObject } from './json.ts'
import { isIndexType, OCI_INDEX } from './media-types.ts'

/** Most referrers that a client without the referrers API is shown at once. */
const MOST_SHOWN = 1_000

/** The tag under which clients without the referrers API keep them (distribution-spec 1.1, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return subject.replace(':', '-').slice(0, 32 + 1 + 64)
}

const FALLBACK = /^(sha256|sha512)-([0-9a-f]{64})$/

/** Which digest a fallback tag speaks of, or null for any other tag. A sha512 digest is cut, so it is looked for. */
async function subjectOfTag(pkg: ReadablePackage, tag: string): Promise<Digest | null> {
  const match = FALLBACK.exec(tag)
  if (!match) return null
  const beginning = `${match[1]}:${match[2]}`
  return isDigest(beginning) ? beginning : pkg.findSubject(beginning)
}

/**
 * One direction: a client that only knows the tag asks for it. When nobody has pushed that tag, it is answered from the
 * referrers that are here.
 */
export async function findFallback(pkg: ReadablePackage, tag: string): Promise<HeldArtifact | null> {
  const subject = await subjectOfTag(pkg, tag)
  if (!subject) return null
  const { items } = await pkg.referrers(subject, undefined, { limit: MOST_SHOWN })
  if (items.length === 0) return null
  const document = new TextEncoder().encode(JSON.stringify(referrersIndex(items)))
  return { digest: digestOf(document), mediaType: OCI_INDEX, document }
}

/**
 * The other direction: what clients have listed under the tag belongs to the referrers too, if it is here. Manifests
 * that name their subject are found by that already; this finds those whose client left it out.
 */
export async function listedUnderTag(pkg: ReadablePackage, subject: Digest): Promise<Referrer[]> {
  const index = await pkg.stat(fallbackTag(subject))
  if (!index || !isIndexType(index.mediaType)) return []
  const entries = parseJsonObject(index.document).manifests
  if (!Array.isArray(entries)) return []
  const listed = entries.slice(0, MOST_SHOWN).flatMap((entry) => (isObject(entry) ? referrerOf(entry) : []))
  const present = await Promise.all(listed.map((referrer) => pkg.stat(referrer.digest).catch(absent)))
  return listed.filter((_, index) => present[index])
}

/** A manifest that may not be pulled is not listed either; anything worse is told. */
function absent(error: unknown): null {
  if (error instanceof RegistryError && error.status < 500) return null
  throw error
}

function referrerOf(entry: JsonObject): Referrer[] {
  const { mediaType, digest, size, artifactType, annotations } = entry
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || typeof size !== 'number' || !isDigest(digest))
    return []
  return [
    {
      mediaType,
      digest,
      size,
      artifactType: typeof artifactType === 'string' ? artifactType : null,
      // The index was checked when it was pushed; a descriptor's annotations are handed on as they are.
      annotations: isObject(annotations) ? (annotations as Record<string, string>) : null,
    },
  ]
}

/** The answer's form (distribution-spec 1.1, "Listing Referrers"). */
export function referrersIndex(referrers: readonly Referrer[]): object {
  const manifests = referrers.map(({ mediaType, digest, size, artifactType, annotations }) => ({
    mediaType,
    digest,
    size,
    ...(artifactType !== null && { artifactType }),
    ...(annotations !== null && { annotations }),
  }))
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests }
}
