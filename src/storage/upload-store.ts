import type { Digest, DigestAlgorithm } from '../core/digest.ts'
import type { StagedBlob } from './blob-store.ts'

/** An upload as its row keeps it between requests. */
export interface UploadState {
  /** What the store needs to go on: a short text, opaque to everybody else. Any replica can go on from it. */
  readonly state: string
  /** Bytes taken so far; the next byte has this offset. */
  readonly offset: number
  /**
   * The digest of all bytes so far, so that an empty closing request on another replica need not read any. A store that
   * cannot read staged bytes again may know it only later, and then says so in `state`: ask `seal`, not this.
   */
  readonly digest: Digest
}

/** Bytes of uploads that are not yet blobs. */
export interface UploadStore {
  /** Begins an empty upload whose bytes are hashed with `algorithm` while they arrive. */
  create(id: string, algorithm: DigestAlgorithm): Promise<UploadState>
  /**
   * Adds bytes at the end. Durable when the promise resolves.
   *
   * The caller makes sure that there is one writer at a time. When `body` fails in the middle, the promise rejects with
   * what it threw, and the upload can go on from `upload`, the state before.
   *
   * @param body      read to its end or cancelled; the memory of its chunks is the store's, which may give it back
   * @param maxBytes  most bytes that the whole upload may have
   * @param isAll     the body is the whole upload, and it is sealed and committed next: until then nothing of it is
   *   promised to anybody, so it need not be durable before `commit` has made it so
   * @throws RegistryError `BLOB_TOO_LARGE` more than `maxBytes`, `STORAGE_FULL` no room
   */
  append(upload: UploadState, body: ReadableStream<Uint8Array>, maxBytes: number, isAll?: boolean): Promise<UploadState>
  /**
   * The same upload, safe from a writer whose claim has run out and who may only be slow: what that one still writes
   * goes nowhere. Its bytes are read once at most. `upload` is to be discarded when the answer has been written down.
   */
  takeOver(upload: UploadState): Promise<UploadState>
  /**
   * Ends the upload and answers its digest by `algorithm`; bytes are read again only when they were hashed with
   * another one. Nothing is added after it, but `append` may still be used when the digest was not what the client said.
   */
  seal(upload: UploadState, algorithm: DigestAlgorithm): Promise<StagedBlob>
  /**
   * Throws the bytes away; an upload that is already gone is no error. Never takes anything from a blob that `commit`
   * made of them; what cannot be told apart from one is left to the reconciler.
   */
  discard(upload: UploadState): Promise<void>
  /** Ids of uploads that have bytes here, with their age: for expiry of what lost its row. An id may come twice. */
  list(): AsyncIterable<{ readonly id: string; readonly state: string; readonly modifiedAt: number }>
}
