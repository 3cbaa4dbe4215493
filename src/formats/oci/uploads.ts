import { DIGEST_ALGORITHMS, type DigestAlgorithm, parseDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import { formatImageName, type ImageName, isImageName, parseImageName } from '../../core/names.ts'
import type { ChunkPosition, UploadStat } from '../../repositories/package.ts'
import { bodyOf, contentLength } from './body.ts'
import type { ImageCall } from './call.ts'
import { created, empty } from './responses.ts'

/** `POST /v2/<name>/blobs/uploads/`: begin, push in one request, or mount (distribution-spec 1.1, end-4 and end-11). */
export async function postUpload(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toPush(call.actor, call.name)
  const mount = call.query.get('mount')
  if (mount !== null) {
    const digest = parseDigest(mount)
    const from = sourceOf(call)
    const source = from === undefined ? null : await call.registry.findSource(call.actor, digest, from)
    const mounted = source && (await pkg.mount(digest, source))
    if (mounted) return created(blobPath(call, digest), digest)
  }
  const digest = call.query.get('digest')
  if (digest !== null && mount === null) {
    const put = await pkg.uploads.put(parseDigest(digest), positionOf(call.request), bodyOf(call.request))
    return created(blobPath(call, put.digest), put.digest)
  }
  return accepted(call, await pkg.uploads.start(algorithmOf(call)))
}

/** A source that cannot be a name holds nothing. */
function sourceOf(call: ImageCall): ImageName | null | undefined {
  const from = call.query.get('from')
  if (from === null) return null
  return isImageName(from) ? parseImageName(from) : undefined
}

/** `digest-algorithm` says how to hash while the bytes arrive (distribution-spec, end-4c). */
function algorithmOf(call: ImageCall): DigestAlgorithm {
  const asked = call.query.get('digest-algorithm') ?? 'sha256'
  const known = DIGEST_ALGORITHMS.find((algorithm) => algorithm === asked)
  if (!known) throw new RegistryError('DIGEST_INVALID', { algorithm: asked.slice(0, 50) })
  return known
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: a chunk, or a stream (distribution-spec 1.1, end-5). */
export async function patchUpload(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toResume(call.actor, call.name)
  return accepted(call, await pkg.uploads.append(call.last, positionOf(call.request), bodyOf(call.request)))
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=`: ends an upload, with a last chunk or without (end-6). */
export async function putUpload(call: ImageCall): Promise<Response> {
  const { request } = call
  const pkg = await call.registry.toResume(call.actor, call.name)
  const digest = parseDigest(call.query.get('digest') ?? '')
  const isEmpty = contentLength(request) === 0 || (contentLength(request) === undefined && request.body === null)
  const blob = await pkg.uploads.commit(call.last, digest, positionOf(request), isEmpty ? null : bodyOf(request))
  return created(blobPath(call, digest), blob.digest)
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far it has come (end-13). */
export async function getUpload(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toResume(call.actor, call.name)
  return progress(call, 204, await pkg.uploads.stat(call.last))
}

/** `DELETE /v2/<name>/blobs/uploads/<id>` (end-14). */
export async function deleteUpload(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toResume(call.actor, call.name)
  await pkg.uploads.cancel(call.last)
  return empty(204, {})
}

/** `Content-Range: <start>-<end>`: here without unit and total, unlike everywhere else; those are let pass. */
const CHUNK_RANGE = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/

function positionOf(request: Request): ChunkPosition {
  const length = contentLength(request)
  const header = request.headers.get('content-range')
  if (header === null) return length === undefined ? {} : { length }
  const match = CHUNK_RANGE.exec(header.trim())
  if (!match) throw new RegistryError('RANGE_INVALID', { 'content-range': header.slice(0, 100) })
  const start = Number(match[1])
  const said = Number(match[2]) - start + 1
  if (said < 0) throw new RegistryError('RANGE_INVALID', { 'content-range': header.slice(0, 100) })
  if (length !== undefined && length !== 0 && length !== said) {
    throw new RegistryError('SIZE_INVALID', { 'content-range': said, 'content-length': length })
  }
  return { start, length: length ?? said }
}

function accepted(call: ImageCall, upload: UploadStat): Response {
  return progress(call, 202, upload)
}

/** `Range` here is `0-<last byte>`, without unit; an empty upload says `0-0`, as Docker's registry always has. */
function progress(call: ImageCall, status: number, upload: UploadStat): Response {
  return empty(status, {
    location: `/v2/${formatImageName(call.name)}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(0, upload.offset - 1)}`,
    'docker-upload-uuid': upload.id,
  })
}

function blobPath(call: ImageCall, digest: string): string {
  return `/v2/${formatImageName(call.name)}/blobs/${digest}`
}
