import type { Artifact } from '../../../core/artifact.ts'
import { algorithmOf, type Digest, digestOf, isDigest } from '../../../core/digest.ts'
import { RegistryError } from '../../../core/errors.ts'
import type { OutboundAnswer } from '../../../core/outbound.ts'
import { UpstreamError } from '../../../repositories/upstream-error.ts'
import { parseManifest } from '../manifest.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from '../media-types.ts'

/** What we take, the newest first: some registries convert what they have to the first they can. */
export const ACCEPTED_MANIFESTS = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(', ')

/** `Docker-Content-Digest`, or null when there is none. @throws UpstreamError `broken` when it is no digest */
export function statedDigest(answer: OutboundAnswer): Digest | null {
  const stated = answer.headers.get('docker-content-digest')?.trim()
  if (stated === undefined || stated === '') return null
  if (isDigest(stated)) return stated
  throw broken(answer, `names a digest that is none: ${JSON.stringify(stated.slice(0, 100))}`)
}

/** The type of a manifest without parameters, or null when the header says nothing of use. */
export function statedMediaType(answer: OutboundAnswer): string | null {
  const type = answer.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  return isIndexType(type) || isManifestType(type) ? type : null
}

/**
 * Makes an artifact of an answer, or an error.
 *
 * @param asked  the digest that was asked for; null for a tag, where what the upstream states must hold
 * @throws UpstreamError `broken`
 */
export function checkedArtifact(answer: OutboundAnswer, document: Uint8Array, asked: Digest | null): Artifact {
  refusePage(answer)
  const stated = statedDigest(answer)
  // Of a tag another algorithm may be stated than the one that we would choose.
  for (const expected of [asked, stated]) {
    if (expected === null) continue
    const actual = digestOf(document, algorithmOf(expected))
    if (actual !== expected) throw broken(answer, `gives a manifest with the digest ${actual}, not ${expected}`)
  }
  try {
    const named = asked ?? stated
    return parseManifest(document, answer.headers.get('content-type'), named ? algorithmOf(named) : 'sha256')
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw broken(answer, `gives something else than a manifest (${cause.message})`, cause)
  }
}

/** Login pages come with 200, from proxies and portals on the way. @throws UpstreamError `broken` */
export function refusePage(answer: OutboundAnswer): void {
  const type = answer.headers.get('content-type') ?? ''
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type))
    throw broken(answer, `answers a page (${type.trim().slice(0, 50)})`)
}

/** An answer that cannot be right. */
export function broken({ url, status }: OutboundAnswer, problem: string, cause?: unknown): UpstreamError {
  return new UpstreamError('broken', `${url.host} ${problem}`, { status, cause })
}
