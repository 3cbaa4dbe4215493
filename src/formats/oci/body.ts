import { RegistryError } from '../../core/errors.ts'

/**
 * Reads a small body into memory.
 *
 * @throws RegistryError `MANIFEST_TOO_LARGE`, by the header already where there is one
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const length = contentLength(request)
  if (length !== undefined && length > maxBytes) throw tooLarge(length, maxBytes)
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of request.body) {
    total += chunk.byteLength
    if (total > maxBytes) throw tooLarge(total, maxBytes)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/** The `Content-Length`, absent when the body is streamed. */
export function contentLength(request: Request): number | undefined {
  const header = request.headers.get('content-length')
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined
}

/** The body, or an empty stream in its place. */
export function bodyOf(request: Request): ReadableStream<Uint8Array> {
  return request.body ?? new Blob([]).stream()
}

function tooLarge(actual: number, most: number): RegistryError {
  return new RegistryError('MANIFEST_TOO_LARGE', { actual, most })
}
