import type { ByteRange } from '../core/byte-range.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobEntry, BlobLocation, BlobSource, BlobStore, StagedBlob } from './blob-store.ts'
import { finishS3Upload, removeLeftovers } from './s3-finish.ts'
import { checkLocation } from './s3-layout.ts'
import { S3Multipart } from './s3-multipart.ts'
import { S3Objects } from './s3-objects.ts'
import type { S3Options } from './s3-options.ts'
import { parseS3Upload } from './s3-upload-state.ts'

/** Objects removed at a time: one call each, as not every compatible store removes many by one. */
const REMOVE_AT_ONCE = 32

/** Blobs as objects of a bucket. A location is the key without the store's prefix. */
export class S3BlobStore implements BlobStore {
  readonly #objects: S3Objects
  readonly #multipart: S3Multipart
  readonly #linkSeconds: number | undefined

  constructor(options: S3Options) {
    this.#objects = new S3Objects(options)
    this.#multipart = new S3Multipart(options)
    this.#linkSeconds = options.linkSeconds
  }

  async stat(location: BlobLocation): Promise<number | null> {
    return this.#objects.size(checkLocation(location))
  }

  async open(location: BlobLocation, size: number, range?: ByteRange): Promise<BlobSource> {
    checkLocation(location)
    if (this.#linkSeconds !== undefined) {
      const actual = await this.#objects.size(location)
      if (actual === null) throw new RegistryError('BLOB_UNKNOWN')
      if (actual !== size) throw damaged(location, actual, size)
      return { kind: 'link', url: this.#objects.link(location, this.#linkSeconds) }
    }
    const body = await this.#objects.get(location, range)
    if (body.size === size) return { kind: 'stream', stream: body.stream }
    await body.stream.cancel()
    throw damaged(location, body.size, size)
  }

  async read(location: BlobLocation, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    return (await this.#objects.get(checkLocation(location), range)).stream
  }

  /** What is left over of the upload is removed afterwards; the blob does not wait for it to succeed. */
  async commit(staged: StagedBlob): Promise<BlobLocation> {
    const upload = parseS3Upload(staged.state)
    const location = await finishS3Upload(this.#objects, this.#multipart, upload, staged.size)
    const tail = upload.tail && upload.tail.location !== location ? [upload.tail.location] : []
    await removeLeftovers(this.#objects, [...upload.stale, ...tail])
    return location
  }

  async remove(locations: readonly BlobLocation[]): Promise<void> {
    const checked = locations.map(checkLocation)
    for (let from = 0; from < checked.length; from += REMOVE_AT_ONCE) {
      const batch = checked.slice(from, from + REMOVE_AT_ONCE)
      await Promise.all(batch.map((location) => this.#objects.remove(location)))
    }
  }

  /** Also names the bytes of small uploads that are still open: they lie where they will be when committed. */
  list(): AsyncIterable<BlobEntry> {
    return this.#objects.list()
  }

  ping(): Promise<void> {
    return this.#objects.ping()
  }
}

function damaged(location: BlobLocation, actual: number, size: number): RegistryError {
  const cause = new Error(`damaged blob ${location}: ${actual} bytes, should be ${size}`)
  return new RegistryError('UNKNOWN', undefined, { cause })
}
