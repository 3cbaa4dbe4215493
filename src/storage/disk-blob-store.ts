import { constants } from 'node:fs'
import { access, open, rename, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ByteRange } from '../core/byte-range.ts'
import { DIGEST_ALGORITHMS } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobEntry, BlobLocation, BlobSource, BlobStore, StagedBlob } from './blob-store.ts'
import { namesIn, sizeNow, statIfThere, unlinkIfThere } from './disk-entries.ts'
import { diskFailure, systemCode } from './disk-failure.ts'
import { BLOBS, blobPath, isLocation, newLocation, uploadPath } from './disk-layout.ts'
import { DurableFolders, syncFolder } from './durable-folders.ts'
import { StagedFile } from './staged-file.ts'

/** Files removed at a time. */
const REMOVE_AT_ONCE = 16

/** Blobs as files of a folder. A location is the path below it. */
export class DiskBlobStore implements BlobStore {
  readonly #folder: string
  readonly #folders = new DurableFolders()

  /** @param folder  the store's, shared with the `DiskUploadStore`; made when it is missing */
  constructor(folder: string) {
    this.#folder = folder
  }

  async stat(location: BlobLocation): Promise<number | null> {
    return (await statIfThere(blobPath(this.#folder, location)))?.size ?? null
  }

  async open(location: BlobLocation, size: number, range?: ByteRange): Promise<BlobSource> {
    const path = blobPath(this.#folder, location)
    const found = sizeNow(path)
    if (found === null) throw unknown(path)
    if (found !== size) {
      const cause = new Error(`damaged blob ${location}: ${found} bytes, should be ${size}`)
      throw new RegistryError('UNKNOWN', undefined, { cause })
    }
    return { kind: 'file', path, range: range ?? { start: 0, end: size - 1 } }
  }

  async read(location: BlobLocation, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const path = blobPath(this.#folder, location)
    await this.#get(path)
    const file = Bun.file(path)
    return (range ? file.slice(range.start, range.end + 1) : file).stream()
  }

  async commit(staged: StagedBlob): Promise<BlobLocation> {
    const from = uploadPath(this.#folder, staged.state)
    const location = newLocation(staged.digest, staged.state)
    const to = blobPath(this.#folder, location)
    try {
      // an empty upload has no file yet, and perhaps no folder
      if (staged.size === 0) await this.#folders.make(dirname(from))
      await this.#folders.make(dirname(to))
      await makeWhole(from, staged.size)
      await makeYoung(from)
      await rename(from, to)
      await syncFolder(dirname(to)) // without it a power cut forgets the name
      return location
    } catch (error) {
      this.#folders.forget(dirname(to))
      if (systemCode(error) !== 'ENOENT') throw diskFailure(error)
      // an earlier call may have come to its end without anybody hearing of it
      if ((await this.stat(location)) === staged.size) {
        await makeYoung(to)
        return location
      }
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN', undefined, { cause: error })
    }
  }

  async remove(locations: readonly BlobLocation[]): Promise<void> {
    const paths = locations.map((location) => blobPath(this.#folder, location))
    for (let from = 0; from < paths.length; from += REMOVE_AT_ONCE) {
      await Promise.all(paths.slice(from, from + REMOVE_AT_ONCE).map(unlinkIfThere))
    }
  }

  async *list(): AsyncIterable<BlobEntry> {
    for (const algorithm of DIGEST_ALGORITHMS) {
      for (const shard of (await namesIn(join(this.#folder, BLOBS, algorithm))).sort()) {
        for (const name of (await namesIn(join(this.#folder, BLOBS, algorithm, shard))).sort()) {
          const location = `${BLOBS}/${algorithm}/${shard}/${name}`
          if (!isLocation(location)) continue
          const found = await statIfThere(join(this.#folder, location))
          if (found) yield { location, size: found.size, modifiedAt: found.mtimeMs, uploadId: null }
        }
      }
    }
  }

  async ping(): Promise<void> {
    try {
      await this.#folders.make(this.#folder)
      await access(this.#folder, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      this.#folders.forget(this.#folder)
      throw new RegistryError('UNAVAILABLE', undefined, { cause: error })
    }
  }

  async #get(path: string): Promise<{ readonly size: number }> {
    const found = await statIfThere(path)
    if (found) return found
    throw unknown(path)
  }
}

/** A blob is as old as its commit, not as its last byte: until its row is written only its age protects it. */
async function makeYoung(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now)
}

function unknown(path: string): RegistryError {
  return new RegistryError('BLOB_UNKNOWN', undefined, { cause: new Error(`no file ${path}`) })
}

/** Cuts what a crash has left behind the end, and writes everything to the disk. */
async function makeWhole(path: string, size: number): Promise<void> {
  const flags = size === 0 ? constants.O_RDWR | constants.O_CREAT : constants.O_RDWR
  const file = new StagedFile(await open(path, flags, 0o600))
  try {
    await file.cutTo(size)
    await file.sync()
  } finally {
    await file.close()
  }
}
