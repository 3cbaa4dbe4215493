import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { StagedBlob } from './blob-store.ts'
import { namesIn, statIfThere, unlinkIfThere } from './disk-entries.ts'
import { diskFailure, systemCode } from './disk-failure.ts'
import { takenOver, UPLOADS, uploadIdOf, uploadPath } from './disk-layout.ts'
import { DurableFolders, syncFolder } from './durable-folders.ts'
import { RunningHashes } from './running-hashes.ts'
import { StagedFile } from './staged-file.ts'
import { isUploadId } from './upload-id.ts'
import type { UploadState, UploadStore } from './upload-store.ts'

/** Uploads as files `uploads/<id>` of a folder. The state is the id; the row's offset says how much of the file counts. */
export class DiskUploadStore implements UploadStore {
  readonly #folder: string
  readonly #folders = new DurableFolders()
  readonly #hashes = new RunningHashes()
  /** Uploads being written. Two writers would mix their bytes in the file, and both would have good hashes. */
  readonly #busy = new Set<string>()

  /** @param folder  the store's, shared with the `DiskBlobStore`; made when it is missing */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Makes no file yet: the first byte does. */
  async create(id: string, algorithm: DigestAlgorithm): Promise<UploadState> {
    uploadPath(this.#folder, id)
    return { state: id, offset: 0, digest: digestOf('', algorithm) }
  }

  async append(
    upload: UploadState,
    body: ReadableStream<Uint8Array>,
    maxBytes: number,
    isAll = false,
  ): Promise<UploadState> {
    if (this.#busy.has(upload.state)) {
      body.cancel().catch(() => {})
      throw new RegistryError('RANGE_INVALID', undefined, { message: 'another request writes to this upload' })
    }
    this.#busy.add(upload.state)
    try {
      return await this.#append(upload, body, maxBytes, isAll)
    } finally {
      this.#busy.delete(upload.state)
    }
  }

  /** The bytes are copied to a file that only this writer knows, and hashed on the way. */
  async takeOver(upload: UploadState): Promise<UploadState> {
    const after = { ...upload, state: takenOver(upload.state) }
    if (upload.offset === 0) return after
    const from = await this.#open(upload)
    try {
      const hasher = await this.#copy(from, after)
      this.#hashes.keep(after.state, after, hasher)
      return after
    } finally {
      await from.close()
    }
  }

  async #copy(from: StagedFile, after: UploadState): Promise<Bun.CryptoHasher> {
    const to = await this.#open({ ...after, offset: 0 })
    try {
      const hasher = new Bun.CryptoHasher(algorithmOf(after.digest))
      await from.copy(after.offset, to, hasher)
      checkDigest(hasher, after)
      await to.sync()
      return hasher
    } catch (error) {
      await unlinkIfThere(uploadPath(this.#folder, after.state))
      throw error
    } finally {
      await to.close()
    }
  }

  async seal(upload: UploadState, algorithm: DigestAlgorithm): Promise<StagedBlob> {
    const digest = algorithmOf(upload.digest) === algorithm ? upload.digest : await this.#digest(upload, algorithm)
    return { state: upload.state, digest, size: upload.offset }
  }

  async discard(upload: UploadState): Promise<void> {
    await unlinkIfThere(uploadPath(this.#folder, upload.state))
  }

  async *list(): AsyncIterable<{ readonly id: string; readonly state: string; readonly modifiedAt: number }> {
    const folder = join(this.#folder, UPLOADS)
    for (const state of await namesIn(folder)) {
      const id = uploadIdOf(state)
      if (!isUploadId(id)) continue
      const found = await statIfThere(join(folder, state))
      if (found) yield { id, state, modifiedAt: found.mtimeMs }
    }
  }

  async #append(
    upload: UploadState,
    body: ReadableStream<Uint8Array>,
    maxBytes: number,
    isAll: boolean,
  ): Promise<UploadState> {
    let session: Session | undefined
    let offset = upload.offset
    try {
      // leaving this loop in any way ends the body
      for await (const chunk of body) {
        if (chunk.length === 0) continue
        offset += chunk.length
        if (offset > maxBytes) throw new RegistryError('BLOB_TOO_LARGE', { maxBytes })
        session ??= await this.#begin(upload)
        await session.file.write(chunk, session.hasher)
        release(chunk)
      }
      return session ? await this.#end(session, upload, isAll) : upload
    } catch (error) {
      await session?.file.giveUp(upload.offset)
      throw error
    } finally {
      await session?.file.close()
    }
  }

  async #begin(upload: UploadState): Promise<Session> {
    const file = await this.#open(upload)
    try {
      await file.cutTo(upload.offset)
      return { file, hasher: this.#hashes.find(upload.state, upload) ?? (await rehash(file, upload)) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #end({ file, hasher }: Session, upload: UploadState, isAll: boolean): Promise<UploadState> {
    // two writes to the disk, of the bytes and of the folder, that the commit would only repeat
    await (isAll ? file.flushed() : file.sync())
    const digest = hexDigest(hasher.copy(), algorithmOf(upload.digest))
    const after = { state: upload.state, offset: file.offset, digest }
    this.#hashes.keep(upload.state, after, hasher)
    return after
  }

  async #open(upload: UploadState): Promise<StagedFile> {
    const path = uploadPath(this.#folder, upload.state)
    try {
      if (upload.offset > 0) return new StagedFile(await open(path, constants.O_RDWR))
      const folder = join(this.#folder, UPLOADS)
      await this.#folders.make(folder)
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
      return new StagedFile(handle, () => syncFolder(folder))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw diskFailure(error)
      this.#folders.forget(join(this.#folder, UPLOADS))
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN', undefined, { cause: error })
    }
  }

  async #digest(upload: UploadState, algorithm: DigestAlgorithm): Promise<Digest> {
    if (upload.offset === 0) return digestOf('', algorithm)
    const file = await this.#open(upload)
    try {
      file.atLeast(upload.offset)
      const hasher = new Bun.CryptoHasher(algorithm)
      await file.read(upload.offset, hasher)
      return hexDigest(hasher, algorithm)
    } finally {
      await file.close()
    }
  }
}

/** One request's work on an upload. */
interface Session {
  readonly file: StagedFile
  readonly hasher: Bun.CryptoHasher
}

/** Reads the bytes of an upload that another process, or an earlier life of this one, has taken. */
async function rehash(file: StagedFile, upload: UploadState): Promise<Bun.CryptoHasher> {
  const hasher = new Bun.CryptoHasher(algorithmOf(upload.digest))
  await file.read(upload.offset, hasher)
  checkDigest(hasher, upload)
  return hasher
}

/** @throws RegistryError `BLOB_UPLOAD_INVALID` when the bytes are not those that were taken */
function checkDigest(hasher: Bun.CryptoHasher, upload: UploadState): void {
  const actual = hexDigest(hasher.copy(), algorithmOf(upload.digest))
  if (actual === upload.digest) return
  const cause = new Error(`staged bytes of upload ${upload.state} are damaged: ${actual}, should be ${upload.digest}`)
  throw new RegistryError('BLOB_UPLOAD_INVALID', undefined, { cause })
}

/**
 * Gives a written chunk's memory back at once: the collector knows nothing of the hurry, and a single upload at full
 * speed is 30 MB ahead of it (measured).
 */
function release(chunk: Uint8Array): void {
  const { buffer } = chunk
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0)
}

function hexDigest(hasher: Bun.CryptoHasher, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hasher.digest('hex')}`
}
