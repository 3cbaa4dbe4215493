import { type Digest, parseDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import type { BlobBody } from '../../repositories/package.ts'
import { parseByteRange } from './byte-range-header.ts'
import type { ImageCall } from './call.ts'
import { API_VERSION, empty, isUnchanged } from './responses.ts'

/** `GET` and `HEAD /v2/<name>/blobs/<digest>` (distribution-spec 1.1, end-2 and end-10). Never content-encoded. */
export async function getBlob(call: ImageCall): Promise<Response> {
  const { request } = call
  const digest = parseDigest(call.last)
  const pkg = await call.registry.toPull(call.actor, call.name)
  // Who asks by HEAD pushes what is not there.
  const blob = await (request.method === 'HEAD' ? pkg.probeBlob(digest) : pkg.statBlob(digest))
  if (!blob) throw new RegistryError('BLOB_UNKNOWN', { digest })
  const headers: Record<string, string> = {
    ...API_VERSION,
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    // A browser that is led here saves the file; it never shows it as a page of this host.
    'content-disposition': 'attachment',
  }
  if (isUnchanged(request, digest)) return new Response(null, { status: 304, headers })
  if (request.method === 'HEAD')
    return new Response(null, { headers: { ...headers, 'content-length': String(blob.size) } })
  const range = parseByteRange(rangeOf(request, digest), blob.size)
  const body = await pkg.openBlob(digest, range ?? undefined)
  if (!range) return send(body, 200, { ...headers, 'content-length': String(blob.size) })
  return send(body, 206, {
    ...headers,
    'content-length': String(range.end - range.start + 1),
    'content-range': `bytes ${range.start}-${range.end}/${blob.size}`,
  })
}

/** A range of something else than the client holds is answered with the whole (RFC 9110, 13.1.5 If-Range). */
function rangeOf(request: Request, digest: Digest): string | null {
  const condition = request.headers.get('if-range')
  return condition === null || condition.trim() === `"${digest}"` ? request.headers.get('range') : null
}

/**
 * Largest stream that is gathered before it is sent, in bytes. The runtime sends every stream in chunks of unknown
 * length, whatever `Content-Length` says; gathered bytes keep theirs, and one that breaks off is a 5xx, not half a blob.
 */
const MOST_GATHERED = 4 * 1024 * 1024

/** A file goes out by `sendfile`: the kernel copies, the program does not see the bytes. */
async function send(body: BlobBody, status: number, headers: Record<string, string>): Promise<Response> {
  switch (body.kind) {
    case 'file':
      return new Response(Bun.file(body.path).slice(body.range.start, body.range.end + 1), { status, headers })
    case 'stream':
      if (Number(headers['content-length']) > MOST_GATHERED) return new Response(body.stream, { status, headers })
      return new Response(await new Response(body.stream).bytes(), { status, headers })
    case 'link':
      return empty(307, { location: body.url, 'docker-content-digest': headers['docker-content-digest'] ?? '' })
  }
}

/** `DELETE /v2/<name>/blobs/<digest>` (distribution-spec 1.1, end-10): gone here at once, kept elsewhere. */
export async function deleteBlob(call: ImageCall): Promise<Response> {
  const digest = parseDigest(call.last)
  const pkg = await call.registry.toDelete(call.actor, call.name)
  if (!(await pkg.removeBlob(digest))) throw new RegistryError('BLOB_UNKNOWN', { digest })
  return empty(202, {})
}
