import type { BlobLocation, BlobStore, StagedBlob } from '../../src/storage/blob-store.ts'
import type { UploadState, UploadStore } from '../../src/storage/upload-store.ts'

/** Both stores of one backend, over the same place. */
export interface Stores {
  readonly blobs: BlobStore
  readonly uploads: UploadStore
}

/** A place of its own for one group of tests. */
export interface StorePlace {
  /** The stores as another process would open them: nothing is shared but the place. */
  open(): Stores
  /** Takes everything away. */
  remove(): Promise<void>
}

export const NO_LIMIT = Number.MAX_SAFE_INTEGER

/** Bytes that no compression, hole or repetition can stand for; the same for the same seed. */
export function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed * 2654435761 + 1
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    words[at] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** A body that arrives in pieces of `chunk` bytes, one when the reader asks. */
export function bodyOf(bytes: Uint8Array, chunk = 65_536): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + chunk))
      at += chunk
    },
  })
}

/** A body that brings some bytes and then breaks, as a connection does. */
export function brokenBody(bytes: Uint8Array, error: Error, chunk = 65_536): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.error(error)
      controller.enqueue(bytes.slice(at, at + chunk))
      at += chunk
    },
  })
}

/** A body without end, and whether its reader has let go of it. */
export function endlessBody(chunk = 65_536): { readonly body: ReadableStream<Uint8Array>; isCancelled(): boolean } {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(chunk)),
    cancel() {
      cancelled = true
    },
  })
  return { body, isCancelled: () => cancelled }
}

export function newUploadId(): string {
  return crypto.randomUUID()
}

/** Stages all of `bytes` in one request. */
export async function stage(stores: Stores, bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256') {
  const upload: UploadState = await stores.uploads.create(newUploadId(), algorithm)
  const taken = await stores.uploads.append(upload, bodyOf(bytes), NO_LIMIT)
  const staged: StagedBlob = await stores.uploads.seal(taken, algorithm)
  return staged
}

/** Stages and commits all of `bytes`. */
export async function save(stores: Stores, bytes: Uint8Array): Promise<BlobLocation> {
  return stores.blobs.commit(await stage(stores, bytes))
}

/** All bytes at a location. */
export async function load(stores: Stores, location: BlobLocation): Promise<Uint8Array> {
  return new Response(await stores.blobs.read(location)).bytes()
}

/** Tells bytes apart without printing megabytes when they differ. */
export function fingerprint(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${Bun.hash(bytes)}`
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items)
}

/** The code of the `RegistryError` that a promise rejects with; anything else fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => new Error('did not reject'),
    (reason: unknown) => reason,
  )
  if (error instanceof Error && 'code' in error) return error.code
  throw error
}
