import type { CheckedBlob } from '../catalog/blob-health.ts'
import { algorithmOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { BytePace } from './byte-pace.ts'

/** What reading a blob showed. `unreadable`: the store did not bring the bytes, which says nothing about them. */
export type BlobCheck =
  | { readonly state: 'good' }
  | { readonly state: 'damaged' | 'missing'; readonly reason: string }
  | { readonly state: 'unreadable'; readonly error: unknown }

/**
 * Bytes asked for at a time: an object store need not hold a connection open while the pace makes us wait, and what it
 * sends ahead of us is little.
 */
const MOST_PIECE_BYTES = 16 * 1024 * 1024
const LEAST_PIECE_BYTES = 64 * 1024

/** A store that brings no byte for so long is not there, in milliseconds. */
const SILENCE_MS = 60_000

/** What looking at a blob costs besides its bytes, so that a million tiny ones are no storm. */
const BLOB_COST_BYTES = 4096

/**
 * Reads a blob at a pace and compares it with its digest. One that is not of the right size need not be read.
 *
 * @throws DOMException `AbortError` when the signal is given, wherever it stands
 */
export async function checkBlob(
  store: BlobStore,
  blob: CheckedBlob,
  pace: BytePace,
  signal: AbortSignal,
): Promise<BlobCheck> {
  try {
    await pace.spend(BLOB_COST_BYTES, signal)
    const size = await store.stat(blob.location)
    if (size === null) return { state: 'missing', reason: 'its bytes are not in the store' }
    if (size !== blob.size) return { state: 'damaged', reason: `it has ${size} bytes, should have ${blob.size}` }
    const actual = await digestOfStored(store, blob, pace, signal)
    if (actual === blob.digest) return { state: 'good' }
    return { state: 'damaged', reason: `its bytes have the digest ${actual}` }
  } catch (error) {
    signal.throwIfAborted()
    if (isCode(error, 'BLOB_UNKNOWN')) return { state: 'missing', reason: 'its bytes went away while they were read' }
    // Not a place that this store could have made, or an object that ends before its own end.
    if (isCode(error, 'UNKNOWN')) return { state: 'damaged', reason: String(error) }
    return { state: 'unreadable', error }
  }
}

async function digestOfStored(
  store: BlobStore,
  { digest, location, size }: CheckedBlob,
  pace: BytePace,
  signal: AbortSignal,
): Promise<string> {
  const algorithm = algorithmOf(digest)
  const hasher = new Bun.CryptoHasher(algorithm)
  const piece = Math.min(MOST_PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, Math.floor(pace.bytesPerSecond)))
  for (let start = 0; start < size; start += piece) {
    const range = { start, end: Math.min(size, start + piece) - 1 }
    const stream = await store.read(location, range)
    const taken = await hashStream(stream, hasher, pace, signal)
    const wanted = range.end - range.start + 1
    if (taken !== wanted) throw new Error(`the store brought ${taken} of ${wanted} bytes from ${start} on`)
  }
  return `${algorithm}:${hasher.digest('hex')}`
}

async function hashStream(
  stream: ReadableStream<Uint8Array>,
  hasher: Bun.CryptoHasher,
  pace: BytePace,
  signal: AbortSignal,
): Promise<number> {
  const reader = stream.getReader()
  let taken = 0
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), signal)
      if (done) return taken
      hasher.update(value)
      taken += value.length
      await pace.spend(value.length, signal)
    }
  } finally {
    // Of a stream that has come to its end this asks nothing.
    reader.cancel().catch(() => {})
  }
}

/** What a stalled connection would keep for ever. */
async function inTime<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the store was silent for ${SILENCE_MS} ms`)), SILENCE_MS)
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([reading, tooLate])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function isCode(error: unknown, code: 'BLOB_UNKNOWN' | 'UNKNOWN'): boolean {
  return error instanceof RegistryError && error.code === code
}
