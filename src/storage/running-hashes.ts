import { algorithmOf } from '../core/digest.ts'
import { RecentMap } from './recent-map.ts'
import type { UploadState } from './upload-store.ts'

interface RunningHash {
  readonly upload: UploadState
  readonly hasher: Bun.CryptoHasher
}

/**
 * Hashes of uploads that this process worked on lately, so that the next chunk need not read the earlier ones again.
 *
 * The native hash cannot write its state down, only copy it; what is not here is read once more.
 */
export class RunningHashes {
  readonly #byUpload: RecentMap<RunningHash>

  /** @param most  entries kept, each a few hundred bytes */
  constructor(most = 1024) {
    this.#byUpload = new RecentMap(most, () => {})
  }

  /** A hash of exactly the bytes of `upload`, for the caller to go on with, or null. */
  find(id: string, upload: UploadState): Bun.CryptoHasher | null {
    if (upload.offset === 0) return new Bun.CryptoHasher(algorithmOf(upload.digest))
    const found = this.#byUpload.get(id)
    // the digest too: another replica may have put other bytes at the same offset since
    if (found?.upload.offset !== upload.offset || found.upload.digest !== upload.digest) return null
    return found.hasher.copy()
  }

  /** @param hasher  not used by the caller any more */
  keep(id: string, upload: UploadState, hasher: Bun.CryptoHasher): void {
    this.#byUpload.set(id, { upload, hasher })
  }
}
