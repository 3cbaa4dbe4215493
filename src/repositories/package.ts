import type { Artifact, HeldArtifact, Referrer } from '../core/artifact.ts'
import type { ByteRange } from '../core/byte-range.ts'
import type { Digest, DigestAlgorithm } from '../core/digest.ts'
import type { Page, PageRequest } from '../core/page.ts'

/** A tag, or a digest that `parseDigest` has checked. */
export type Reference = string

/** A blob as a client may see it. */
export interface BlobStat {
  readonly digest: Digest
  /** In bytes. */
  readonly size: number
}

/** A blob to send: a file that the kernel copies, a stream, or a link that the client follows. */
export type BlobBody =
  | { readonly kind: 'file'; readonly path: string; readonly range: ByteRange }
  | { readonly kind: 'stream'; readonly stream: ReadableStream<Uint8Array> }
  | { readonly kind: 'link'; readonly url: string }

/** A package that the caller may read: whatever class of repository it lies in. */
export interface ReadablePackage {
  /** The artifact a tag or digest names, or null. */
  find(reference: Reference): Promise<HeldArtifact | null>
  /**
   * What `find` would answer, for somebody who only asks whether it is there: no pull is counted, and who may push is
   * not stopped by a rule about pulls.
   */
  stat(reference: Reference): Promise<HeldArtifact | null>
  /** Tags in the order of their code units, or null when there is no such package. */
  tags(page: PageRequest): Promise<Page<string> | null>
  /** Artifacts that name the subject; the subject need not be here. */
  referrers(subject: Digest, artifactType: string | undefined, page: PageRequest): Promise<Page<Referrer>>
  /** The subject that some artifact here names and whose digest begins so, or null: fallback tags cut long digests. */
  findSubject(beginning: string): Promise<Digest | null>
  statBlob(digest: Digest): Promise<BlobStat | null>
  /**
   * The same for somebody who would push the blob if it were not there: null also when its bytes are lost or cut short,
   * so that pushing it again heals it.
   */
  probeBlob(digest: Digest): Promise<BlobStat | null>
  /** @throws RegistryError `BLOB_UNKNOWN` */
  openBlob(digest: Digest, range?: ByteRange): Promise<BlobBody>
}

/** How to put an artifact. */
export interface PutOptions {
  readonly tags: readonly string[]
  /** Only when each tag points at one of these now, at anything, or at nothing yet (RFC 9110, 13.1.1 and 13.1.2). */
  readonly expected?: readonly Digest[] | 'any' | 'none'
}

/** A package that the caller may push to. */
export interface WritablePackage extends ReadablePackage {
  readonly uploads: PackageUploads
  /**
   * Keeps an artifact, all of it or nothing: row, tags, history, and the job to scan it.
   *
   * @throws RegistryError `MANIFEST_BLOB_UNKNOWN` it names what is not here, `PRECONDITION_FAILED`
   */
  put(artifact: Artifact, options: PutOptions): Promise<void>
  /** Shows a blob of `source` here too; answers null when `source` does not have it. */
  mount(digest: Digest, source: ReadablePackage): Promise<BlobStat | null>
}

/** An upload as its client sees it. */
export interface UploadStat {
  readonly id: string
  /** Bytes taken so far. */
  readonly offset: number
}

/** Where a chunk of an upload belongs, as far as the client said. */
export interface ChunkPosition {
  /** Offset of the first byte; absent when the client streams. */
  readonly start?: number
  /** Bytes the client promised; absent when it streams. */
  readonly length?: number
}

/** The unfinished blobs of a package. */
export interface PackageUploads {
  start(algorithm: DigestAlgorithm): Promise<UploadStat>
  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN` */
  stat(id: string): Promise<UploadStat>
  /**
   * Adds bytes to an upload, at its end. They are durable when the promise resolves; on failure the offset is where it
   * was, and the caller may try again.
   *
   * @param body  consumed or cancelled in every case
   * @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, `RANGE_INVALID` (not the current end, or somebody else is writing),
   *   `SIZE_INVALID` (another number of bytes than promised), `BLOB_TOO_LARGE`
   * @see distribution-spec 1.1, "Pushing a blob in chunks"
   */
  append(id: string, position: ChunkPosition, body: ReadableStream<Uint8Array>): Promise<UploadStat>
  /**
   * Ends an upload and makes it a blob of the package.
   *
   * @param last  a closing chunk, or null
   * @throws RegistryError `DIGEST_INVALID`: the upload is where it was after the last chunk, and may be ended again
   */
  commit(
    id: string,
    digest: Digest,
    position: ChunkPosition,
    last: ReadableStream<Uint8Array> | null,
  ): Promise<BlobStat>
  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN` */
  cancel(id: string): Promise<void>
  /** A whole blob in one request; nothing stays of it when the digest is wrong. */
  put(digest: Digest, position: ChunkPosition, body: ReadableStream<Uint8Array>): Promise<BlobStat>
}

/** A package that the caller may remove things from. Each answers false when there was nothing to remove. */
export interface DeletablePackage {
  removeTag(tag: string): Promise<boolean>
  /** Removes the artifact and every tag that points at it. */
  removeArtifact(digest: Digest): Promise<boolean>
  /** Hides the blob in this package at once, also when it was mounted here; other packages keep it. */
  removeBlob(digest: Digest): Promise<boolean>
}
