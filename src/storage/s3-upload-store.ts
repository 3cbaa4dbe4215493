import { algorithmOf, type Digest, type DigestAlgorithm, digestOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { StagedBlob } from './blob-store.ts'
import { RunningHashes } from './running-hashes.ts'
import { S3Append } from './s3-append.ts'
import { finishS3Upload, removeLeftovers } from './s3-finish.ts'
import { newLocation } from './s3-layout.ts'
import { S3Multipart } from './s3-multipart.ts'
import { S3Objects } from './s3-objects.ts'
import type { S3Options } from './s3-options.ts'
import { emptyS3Upload, formatS3Upload, parseS3Upload, type S3Upload } from './s3-upload-state.ts'
import { checkUploadId } from './upload-id.ts'
import type { UploadState, UploadStore } from './upload-store.ts'

/**
 * Uploads as parts of an object at its final place; what is too little for a part is a small object until there is
 * more, or until it turns out to be the whole blob.
 *
 * Parts cannot be read before the object is complete. So when a process goes on with an upload whose hash another one
 * has, the digest stays where it was, the state says so, and `seal` completes the object and reads it once.
 */
export class S3UploadStore implements UploadStore {
  readonly #objects: S3Objects
  readonly #multipart: S3Multipart
  readonly #hashes = new RunningHashes()

  constructor(options: S3Options) {
    this.#objects = new S3Objects(options)
    this.#multipart = new S3Multipart(options)
  }

  /** Makes nothing in the store yet: the first byte does. */
  async create(id: string, algorithm: DigestAlgorithm): Promise<UploadState> {
    return { state: formatS3Upload(emptyS3Upload(checkUploadId(id))), offset: 0, digest: digestOf('', algorithm) }
  }

  async append(upload: UploadState, body: ReadableStream<Uint8Array>, maxBytes: number): Promise<UploadState> {
    let session: Session | undefined
    let offset = upload.offset
    try {
      // leaving this loop in any way ends the body
      for await (const chunk of body) {
        if (chunk.length === 0) continue
        offset += chunk.length
        if (offset > maxBytes) throw new RegistryError('BLOB_TOO_LARGE', { maxBytes })
        session ??= await this.#begin(upload)
        session.hasher?.update(chunk)
        await session.append.write(chunk)
      }
      return session ? await this.#end(session, upload, offset) : upload
    } catch (error) {
      await session?.append.giveUp()
      throw error
    }
  }

  /**
   * Nothing is to be done: what a slow writer puts into a part that this one has put too is found out when the object is
   * completed, as the parts are named by their content, and everything else has a place of its own.
   */
  async takeOver(upload: UploadState): Promise<UploadState> {
    return upload
  }

  async seal(upload: UploadState, algorithm: DigestAlgorithm): Promise<StagedBlob> {
    const staged = parseS3Upload(upload.state)
    if (staged.hashed === upload.offset && algorithmOf(upload.digest) === algorithm) {
      return { state: upload.state, digest: upload.digest, size: upload.offset }
    }
    const location = await finishS3Upload(this.#objects, this.#multipart, staged, upload.offset)
    const digest = await this.#digest(location, upload.offset, algorithm)
    const sealed = {
      ...emptyS3Upload(staged.id),
      tail: { location, size: upload.offset },
      stale: staged.target && staged.tail ? [...staged.stale, staged.tail.location] : staged.stale,
    }
    return { state: formatS3Upload(sealed), digest, size: upload.offset }
  }

  /**
   * Leaves a small upload's only object to the reconciler: it may have become a blob a moment ago, and then nobody
   * may take it away. Parts can always go: the store refuses to abort what is complete.
   */
  async discard(upload: UploadState): Promise<void> {
    const { target, tail, stale } = parseS3Upload(upload.state)
    if (!target) return
    await this.#multipart.abort(target)
    await removeLeftovers(this.#objects, tail ? [...stale, tail.location] : stale)
  }

  async *list(): AsyncIterable<{ readonly id: string; readonly state: string; readonly modifiedAt: number }> {
    for await (const { id, target, begunAt } of this.#multipart.list()) {
      yield { id, state: formatS3Upload({ ...emptyS3Upload(id), target }), modifiedAt: begunAt }
    }
  }

  async #begin(upload: UploadState): Promise<Session> {
    const staged = await this.#reopened(parseS3Upload(upload.state), upload.offset)
    const tail = staged.tail ? await this.#tail(staged.tail) : new Uint8Array()
    const hasher = this.#hasher(staged, upload, tail)
    return { hasher, append: new S3Append(this.#objects, this.#multipart, staged, tail), before: staged }
  }

  async #end(session: Session, upload: UploadState, offset: number): Promise<UploadState> {
    const { hasher, before } = session
    const staged = await session.append.end()
    await removeLeftovers(this.#objects, before.stale)
    if (!hasher) return { state: formatS3Upload({ ...staged, hashed: before.hashed }), offset, digest: upload.digest }
    const digest = hexDigest(hasher.copy(), algorithmOf(upload.digest))
    const after = { state: formatS3Upload({ ...staged, hashed: offset }), offset, digest }
    this.#hashes.keep(before.id, after, hasher)
    return after
  }

  /** The hash of all bytes so far, or null where they cannot be read any more. */
  #hasher(staged: S3Upload, upload: UploadState, tail: Uint8Array): Bun.CryptoHasher | null {
    if (staged.hashed !== upload.offset) return null
    const found = this.#hashes.find(staged.id, upload)
    if (found || staged.target) return found
    const algorithm = algorithmOf(upload.digest)
    const hasher = new Bun.CryptoHasher(algorithm).update(tail)
    if (hexDigest(hasher.copy(), algorithm) === upload.digest) return hasher
    throw new RegistryError('BLOB_UPLOAD_INVALID', undefined, { cause: new Error(`bytes of ${staged.id} are damaged`) })
  }

  async #tail(tail: { readonly location: string; readonly size: number }): Promise<Uint8Array> {
    const { stream, size } = await this.#objects.get(tail.location).catch(asUploadFailure)
    if (size === tail.size) return new Response(stream).bytes()
    await stream.cancel()
    throw new RegistryError('BLOB_UPLOAD_INVALID', undefined, { cause: new Error(`${size} bytes at ${tail.location}`) })
  }

  /**
   * An upload that can take more, also after a `seal` had to complete it to read it and the client then turned out to
   * have sent something else. Only here, and only then, does the store copy bytes.
   */
  async #reopened(staged: S3Upload, offset: number): Promise<S3Upload> {
    if (!staged.target || (await this.#objects.size(staged.target.location)) !== offset) return staged
    const target = await this.#multipart.begin(newLocation(staged.id))
    const parts = await this.#multipart.copy(staged.target.location, offset, target)
    // the completed object stays for the reconciler, as in `discard`
    return { ...staged, target, parts, tail: null }
  }

  async #digest(location: string, size: number, algorithm: DigestAlgorithm): Promise<Digest> {
    const hasher = new Bun.CryptoHasher(algorithm)
    let read = 0
    for await (const chunk of (await this.#objects.get(location)).stream) {
      hasher.update(chunk)
      read += chunk.length
    }
    if (read === size) return hexDigest(hasher, algorithm)
    throw new RegistryError('UNAVAILABLE', undefined, { cause: new Error(`${location} ended after ${read} bytes`) })
  }
}

/** One request's work on an upload. */
interface Session {
  readonly before: S3Upload
  readonly hasher: Bun.CryptoHasher | null
  readonly append: S3Append
}

/** An object that is gone was a blob to the one who looked for it, but an upload to the client. */
function asUploadFailure(error: unknown): never {
  if (!(error instanceof RegistryError && error.code === 'BLOB_UNKNOWN')) throw error
  throw new RegistryError('BLOB_UPLOAD_UNKNOWN', undefined, { cause: error })
}

function hexDigest(hasher: Bun.CryptoHasher, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hasher.digest('hex')}`
}
