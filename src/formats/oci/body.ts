import { RegistryError } from '../../core/errors.ts'

/**
 * Reads a small body into memory.
 *
 * @throws RegistryError `MANIFEST_TOO_LARGE`, by the header already where there is one
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const length = contentLength(request)
  if (length !== undefined && length > maxBytes) throw tooLarge(length, maxBytes)
  // its length is what the header says, or the request is none
  if (length !== undefined) return request.bytes()
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

/**
 * Bodies up to this length, in bytes, come in one piece. For each piece of a stream the runtime takes memory for the
 * largest that it might be, and the collector runs for it: half as often when a blob of 1 MB is taken whole (measured).
 */
const MOST_IN_ONE_PIECE = 1024 * 1024

/** The body, or an empty stream in its place. Nothing is read before somebody asks the stream. */
export function bodyOf(request: Request): ReadableStream<Uint8Array> {
  const length = contentLength(request)
  if (length !== undefined && length > 0 && length <= MOST_IN_ONE_PIECE) return inOnePiece(request)
  return request.body ?? new Blob([]).stream()
}

function inOnePiece(request: Request): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
        controller.enqueue(await request.bytes())
        controller.close()
      },
      // a body that nobody reads keeps its connection busy
      cancel: () => request.body?.cancel(),
    },
    { highWaterMark: 0 },
  )
}

function tooLarge(actual: number, most: number): RegistryError {
  return new RegistryError('MANIFEST_TOO_LARGE', { actual, most })
}
