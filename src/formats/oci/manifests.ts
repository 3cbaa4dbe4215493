import type { HeldArtifact } from '../../core/artifact.ts'
import { algorithmOf, type Digest, isDigest, looksLikeDigest, parseDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import { formatImageName, isTag, parseTag } from '../../core/names.ts'
import type { PutOptions, ReadablePackage } from '../../repositories/package.ts'
import { readBody } from './body.ts'
import type { ImageCall } from './call.ts'
import { documentBody } from './document-body.ts'
import { findFallback } from './fallback-tag.ts'
import { parseManifest } from './manifest.ts'
import { API_VERSION, created, empty, isUnchanged, warningHeaders } from './responses.ts'

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` (distribution-spec 1.1, end-3). */
export async function getManifest(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toPull(call.actor, call.name)
  const isHead = call.request.method === 'HEAD'
  const found = await findManifest(pkg, call.last, isPull(call.request))
  if (!found) throw new RegistryError('MANIFEST_UNKNOWN', { reference: call.last.slice(0, 200) })
  const headers = {
    ...API_VERSION,
    'content-type': found.mediaType,
    'docker-content-digest': found.digest,
    etag: `"${found.digest}"`,
    ...warningHeaders(found.warnings),
  }
  if (isUnchanged(call.request, found.digest)) return new Response(null, { status: 304, headers })
  if (!isHead) return new Response(documentBody(found.document), { headers })
  return new Response(null, { headers: { ...headers, 'content-length': String(found.document.byteLength) } })
}

/**
 * Docker's engine takes the answer to its HEAD for the whole pull when it holds the image already, and asks again by GET
 * when it is refused: so its HEAD is a pull. Whoever accepts any type besides, as containerd does, fetches in
 * every case, also when it is docker that calls it.
 */
function isPull({ method, headers }: Request): boolean {
  if (method === 'GET') return true
  const isEngine = headers.get('user-agent')?.startsWith('docker/') === true
  return isEngine && headers.get('accept')?.includes('*/*') !== true
}

async function findManifest(pkg: ReadablePackage, reference: string, isPulled: boolean): Promise<HeldArtifact | null> {
  if (looksLikeDigest(reference)) parseDigest(reference)
  else if (!isTag(reference)) return null
  const found = isPulled ? await pkg.find(reference) : await pkg.stat(reference)
  return found ?? findFallback(pkg, reference)
}

/** `PUT /v2/<name>/manifests/<reference>` (distribution-spec 1.1, end-7). */
export async function putManifest(call: ImageCall): Promise<Response> {
  const { request, name, limits } = call
  const pkg = await call.registry.toPush(call.actor, name)
  const pushedByDigest = looksLikeDigest(call.last) ? parseDigest(call.last) : null
  const tags = tagsOf(call, pushedByDigest)
  const document = await readBody(request, limits.maxManifestBytes)
  const algorithm = pushedByDigest ? algorithmOf(pushedByDigest) : 'sha256'
  const manifest = parseManifest(document, request.headers.get('content-type'), algorithm)

  if (pushedByDigest && pushedByDigest !== manifest.digest) {
    throw new RegistryError('DIGEST_INVALID', { expected: pushedByDigest, actual: manifest.digest })
  }
  await pkg.put(manifest, { tags, ...conditionOf(request) })

  const headers: Record<string, string> = {}
  if (manifest.subject) headers['oci-subject'] = manifest.subject
  if (call.query.has('tag')) headers['oci-tag'] = tags.join(', ')
  return created(`/v2/${formatImageName(name)}/manifests/${manifest.digest}`, manifest.digest, headers)
}

/** The tag of the path, or the tags of the query (distribution-spec, "Pushing a manifest with multiple tags"). */
function tagsOf(call: ImageCall, pushedByDigest: Digest | null): string[] {
  const asked = call.query.getAll('tag')
  if (asked.length > call.limits.maxTagsPerPush) {
    throw new RegistryError('URI_TOO_LONG', { tags: asked.length, most: call.limits.maxTagsPerPush })
  }
  return (pushedByDigest ? asked : [call.last, ...asked]).map(parseTag)
}

/**
 * `If-Match` pushes only over what is expected, `If-None-Match: *` only a new tag (RFC 9110, 13.1). A weak entity tag
 * never matches here, nor does one that is no digest.
 */
function conditionOf(request: Request): Pick<PutOptions, 'expected'> {
  const match = request.headers.get('if-match')?.trim()
  if (match === '*') return { expected: 'any' }
  if (match !== undefined) {
    const tags = match.split(',').map((tag) => /^"(.*)"$/.exec(tag.trim())?.[1] ?? '')
    return { expected: tags.filter(isDigest) }
  }
  return request.headers.get('if-none-match')?.trim() === '*' ? { expected: 'none' } : {}
}

/** `DELETE /v2/<name>/manifests/<reference>` (distribution-spec 1.1, end-9): a tag, or a manifest with all its tags. */
export async function deleteManifest(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toDelete(call.actor, call.name)
  const isRemoved = looksLikeDigest(call.last)
    ? await pkg.removeArtifact(parseDigest(call.last))
    : isTag(call.last) && (await pkg.removeTag(call.last))
  if (!isRemoved) throw new RegistryError('MANIFEST_UNKNOWN', { reference: call.last.slice(0, 200) })
  return empty(202, {})
}
