import { type BlobRecord, moveBlob, saveBlob } from '../catalog/blobs.ts'
import { savePackage } from '../catalog/packages.ts'
import { findUpload, removeUpload, saveProgress, saveTaken, saveUpload, type UploadRow } from '../catalog/uploads.ts'
import { algorithmOf, type Digest, type DigestAlgorithm } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { StagedBlob } from '../storage/blob-store.ts'
import type { UploadState } from '../storage/upload-store.ts'
import type { LocalServices } from './local-services.ts'
import type { BlobStat, ChunkPosition, PackageUploads, UploadStat } from './package.ts'
import { type ExpectedBlob, refuseWhatCannotFit } from './room.ts'
import { type UploadClaim, withClaim } from './upload-claim.ts'

/** The unfinished blobs of a package in a local repository: a row each, and bytes in the upload store. */
export class LocalUploads implements PackageUploads {
  readonly #services: LocalServices
  readonly #repository: RepositoryRecord
  readonly #package: string

  constructor(services: LocalServices, repository: RepositoryRecord, pkg: string) {
    this.#services = services
    this.#repository = repository
    this.#package = pkg
  }

  async start(algorithm: DigestAlgorithm): Promise<UploadStat> {
    const { db, uploads, clock } = this.#services
    await this.#refuse({})
    const id = crypto.randomUUID()
    const made = await uploads.create(id, algorithm)
    await db.transaction(async (tx) => {
      const pkg = await savePackage(tx, this.#repository, this.#package, clock())
      const row = { id, package_id: pkg, algorithm, state: made.state, taken: made.offset, digest: made.digest }
      await saveUpload(tx, row, clock())
    })
    return { id, offset: 0 }
  }

  async stat(id: string): Promise<UploadStat> {
    const upload = await findUpload(this.#services.db, this.#repository.id, this.#package, id)
    if (!upload) throw new RegistryError('BLOB_UPLOAD_UNKNOWN', { id })
    return { id, offset: upload.taken }
  }

  async append(id: string, position: ChunkPosition, body: ReadableStream<Uint8Array>): Promise<UploadStat> {
    try {
      return await this.#claimed(id, async ({ by, upload }) => {
        await this.#refuse({ bytes: upload.taken + (position.length ?? 0) })
        const next = await this.#take(upload, position, body)
        await this.#keepProgress(id, by, next)
        return { id, offset: next.offset }
      })
    } finally {
      await discard(body)
    }
  }

  async commit(
    id: string,
    digest: Digest,
    position: ChunkPosition,
    last: ReadableStream<Uint8Array> | null,
  ): Promise<BlobStat> {
    try {
      return await this.#claimed(id, async (claim) => {
        const { taken, digest: whole } = claim.upload
        await this.#refuse({ digest, bytes: taken + (whole === digest ? 0 : (position.length ?? 0)) })
        const complete = await this.#complete(claim.upload, digest, position, last)
        const staged = await this.#services.uploads.seal(complete, algorithmOf(digest))
        if (staged.digest !== digest) {
          throw new RegistryError('DIGEST_INVALID', { expected: digest, actual: staged.digest })
        }
        await this.#holdProgress(claim, complete, staged)
        await this.#keep(staged, claim)
        return { digest, size: staged.size }
      })
    } finally {
      if (last) await discard(last)
    }
  }

  async cancel(id: string): Promise<void> {
    const { db, uploads } = this.#services
    await this.#claimed(id, async ({ by, upload }) => {
      if (!(await db.transaction((tx) => removeUpload(tx, id, by)))) throw takenOver(id)
      await uploads.discard(stateOf(upload))
    })
  }

  async put(digest: Digest, position: ChunkPosition, body: ReadableStream<Uint8Array>): Promise<BlobStat> {
    const { uploads } = this.#services
    let upload = await uploads.create(crypto.randomUUID(), algorithmOf(digest))
    try {
      await this.#refuse({ digest, ...(position.length !== undefined && { bytes: position.length }) })
      upload = await this.#takeFrom(upload, position, body, true)
      const staged = await uploads.seal(upload, algorithmOf(digest))
      if (staged.digest !== digest) {
        throw new RegistryError('DIGEST_INVALID', { expected: digest, actual: staged.digest })
      }
      await this.#keep(staged, null)
      return { digest, size: staged.size }
    } catch (error) {
      await uploads.discard(upload).catch(() => {})
      throw error
    } finally {
      await discard(body)
    }
  }

  #refuse(expected: ExpectedBlob): Promise<void> {
    return refuseWhatCannotFit(this.#services, this.#repository, expected)
  }

  #claimed<T>(id: string, work: (claim: UploadClaim) => Promise<T>): Promise<T> {
    return withClaim(this.#services, this.#repository, this.#package, id, work)
  }

  #check(upload: UploadRow, position: ChunkPosition): UploadState {
    if (position.start !== undefined && position.start !== upload.taken) {
      throw new RegistryError('RANGE_INVALID', { expected: upload.taken, actual: position.start })
    }
    return stateOf(upload)
  }

  /** The upload with its last chunk. Who sends that again, not having heard that it was taken, is not refused for it. */
  async #complete(
    upload: UploadRow,
    digest: Digest,
    position: ChunkPosition,
    last: ReadableStream<Uint8Array> | null,
  ): Promise<UploadState> {
    if (upload.taken > 0 && upload.digest === digest) return stateOf(upload)
    const begun = await this.#hashedBy(this.#check(upload, position), upload.id, algorithmOf(digest))
    return last ? this.#takeFrom(begun, position, last, true) : begun
  }

  /** While nothing has arrived the algorithm can still be chosen; later another one means reading everything again. */
  async #hashedBy(upload: UploadState, id: string, algorithm: DigestAlgorithm): Promise<UploadState> {
    return upload.offset === 0 ? this.#services.uploads.create(id, algorithm) : upload
  }

  #take(upload: UploadRow, position: ChunkPosition, body: ReadableStream<Uint8Array>): Promise<UploadState> {
    return this.#takeFrom(this.#check(upload, position), position, body, false)
  }

  /** @param isLast  the upload is committed next; what it held before, its row still promises */
  async #takeFrom(
    upload: UploadState,
    position: ChunkPosition,
    body: ReadableStream<Uint8Array>,
    isLast: boolean,
  ): Promise<UploadState> {
    const { uploads, maxBlobBytes } = this.#services
    const next = await uploads.append(upload, body, maxBlobBytes, isLast && upload.offset === 0)
    const taken = next.offset - upload.offset
    if (position.length !== undefined && position.length !== taken) {
      throw new RegistryError('SIZE_INVALID', { expected: position.length, actual: taken })
    }
    return next
  }

  async #keepProgress(id: string, by: string, next: UploadState): Promise<void> {
    const { db, clock } = this.#services
    const isKept = await db.transaction((tx) => saveProgress(tx, id, by, next, clock()))
    if (!isKept) throw takenOver(id)
  }

  /**
   * Committing takes the staged bytes away: should the rest then fail, the row must speak of all of them and of the
   * digest that was asked for, or what was acknowledged could not be gone on with. Where nothing was, the client sends
   * everything again.
   */
  async #holdProgress({ by, upload }: UploadClaim, { state }: UploadState, staged: StagedBlob): Promise<void> {
    const { db, clock } = this.#services
    const { digest, size: offset } = staged
    if (upload.taken === 0 || (upload.taken === offset && upload.digest === digest)) return
    const isKept = await db.transaction((tx) => saveTaken(tx, upload.id, by, { state, offset, digest }, clock()))
    if (!isKept) throw takenOver(upload.id)
  }

  /**
   * Bytes first, then the row: after a crash in between there are bytes that nobody knows, never a row without bytes.
   * When the answer to the transaction is lost, the bytes stay too: the row may have been written.
   */
  async #keep(staged: StagedBlob, claim: UploadClaim | null): Promise<void> {
    const { db, blobs, clock } = this.#services
    const { digest, size } = staged
    await this.#refuse({ digest, bytes: size })
    const location = await blobs.commit(staged)
    const keeping = db.transaction(async (tx) => {
      const pkg = await savePackage(tx, this.#repository, this.#package, clock())
      if (claim && !(await removeUpload(tx, claim.upload.id, claim.by))) throw takenOver(claim.upload.id)
      return saveBlob(tx, pkg, { digest, size, location }, clock())
    })
    const kept = await keeping.catch(async (error: unknown) => {
      // This says for certain that nothing of it happened.
      if (error instanceof RegistryError && error.code === 'QUOTA_EXCEEDED') await this.#forget(location, claim)
      throw error
    })
    if (kept.location !== location) await this.#settle(staged, kept, location)
  }

  /** Its bytes have left the staging, so there is no upload any more that could be gone on with. */
  async #forget(location: string, claim: UploadClaim | null): Promise<void> {
    const { db, blobs } = this.#services
    if (claim) await db.transaction((tx) => removeUpload(tx, claim.upload.id, claim.by))
    await blobs.remove([location])
  }

  /** The blob was here already: the older bytes stay when they are good, else the new ones heal it. */
  async #settle(staged: StagedBlob, older: KeptBlob, newer: string): Promise<void> {
    const { db, blobs, clock, log } = this.#services
    const isGood = older.damaged_at === null && (await blobs.stat(older.location)) === staged.size
    if (isGood) return blobs.remove([newer])
    const { digest } = staged
    const isHealed = await db.transaction((tx) => moveBlob(tx, digest, older.location, newer, clock()))
    if (isHealed) log.warn('blobs.healed', { digest })
    await blobs.remove([isHealed ? older.location : newer])
  }
}

/** What stands in the catalog after a push. */
type KeptBlob = Pick<BlobRecord, 'location' | 'damaged_at'>

function stateOf(upload: UploadRow): UploadState {
  return { state: upload.state, offset: upload.taken, digest: upload.digest }
}

/** Another request took the upload because this one looked dead; what this one wrote does not count. */
function takenOver(id: string): RegistryError {
  return new RegistryError('BLOB_UPLOAD_INVALID', { id }, { message: 'the upload was taken over' })
}

/** A body that nobody reads keeps its connection busy. */
async function discard(body: ReadableStream<Uint8Array>): Promise<void> {
  if (!body.locked) await body.cancel().catch(() => {})
}
