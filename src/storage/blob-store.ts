import type { ByteRange } from '../core/byte-range.ts'
import type { Digest } from '../core/digest.ts'

/**
 * Where a blob's bytes lie: a text that only the store that made it understands.
 *
 * Every commit makes a new location, also for bytes that are there already. So removing one location can never take
 * away bytes that somebody else has just committed, and a damaged blob is healed by pushing it again.
 */
export type BlobLocation = string

/** A blob to send: a file that the kernel copies, a stream, or a link that the client follows. */
export type BlobSource =
  | { readonly kind: 'file'; readonly path: string; readonly range: ByteRange }
  | { readonly kind: 'stream'; readonly stream: ReadableStream<Uint8Array> }
  | { readonly kind: 'link'; readonly url: string }

/** Bytes that are complete and hashed, but not yet a blob. Made by `UploadStore.seal`. */
export interface StagedBlob {
  /** The upload's state, as the store that made it wrote it. */
  readonly state: string
  readonly digest: Digest
  /** In bytes. */
  readonly size: number
}

/** Bytes that lie in a store, known to the database or not. */
export interface BlobEntry {
  readonly location: BlobLocation
  /** In bytes. */
  readonly size: number
  /** In milliseconds since 1970; not a number where the store does not say. */
  readonly modifiedAt: number
  /** The upload that these bytes belong to, where they lie from its first byte on; null where only commits write. */
  readonly uploadId: string | null
}

/** Immutable bytes by location. Knows nothing of names, formats or permissions. */
export interface BlobStore {
  /** The size in bytes, or null when nothing is there. */
  stat(location: BlobLocation): Promise<number | null>
  /**
   * @param size   the blob's true size in bytes; a file of another size is damaged
   * @param range  checked by the caller to lie within `size`; absent means all. A file to send comes with a range in
   *   every case; for a blob of no bytes it is 0 to -1
   * @throws RegistryError `BLOB_UNKNOWN` when the bytes are gone, `UNKNOWN` when the file has another size
   */
  open(location: BlobLocation, size: number, range?: ByteRange): Promise<BlobSource>
  /** The same bytes, always as a stream: for scanning and checking. */
  read(location: BlobLocation, range?: ByteRange): Promise<ReadableStream<Uint8Array>>
  /**
   * Makes a staged upload a blob at a new location. Durable when the promise resolves; costs the same for 1 KB and
   * 20 GB. The staged bytes are consumed. May be called again when nobody heard the answer; the location is the same.
   */
  commit(staged: StagedBlob): Promise<BlobLocation>
  /** Removes bytes; locations that are already gone are no error. */
  remove(locations: readonly BlobLocation[]): Promise<void>
  /**
   * Everything that lies here, for the reconciler: in the order of locations, by code units, where the store keeps to
   * an order. Some may be bytes of an open upload, which become a blob where they are; so nothing young may be removed
   * for having no row.
   */
  list(): AsyncIterable<BlobEntry>
  /** Resolves when the store answers. @throws RegistryError `UNAVAILABLE` */
  ping(): Promise<void>
}

/** Whether a store has not a single blob: where there should be some, it is more likely away than damaged. */
export async function holdsNothing(store: BlobStore): Promise<boolean> {
  for await (const _ of store.list()) return false
  return true
}
