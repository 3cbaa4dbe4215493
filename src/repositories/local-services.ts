import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Database } from '../storage/database.ts'
import type { UploadStore } from '../storage/upload-store.ts'
import type { DocumentCache } from './document-cache.ts'
import type { PackageIds } from './package-ids.ts'
import type { PullLog } from './pull-log.ts'

/** What local packages are built on; one set for the whole program. */
export interface LocalServices {
  readonly db: Database
  readonly blobs: BlobStore
  readonly uploads: UploadStore
  readonly documents: DocumentCache
  readonly packageIds: PackageIds
  readonly pulls: PullLog
  readonly clock: Clock
  readonly log: Log
  readonly maxBlobBytes: number
  /** A blob that was asked for this recently, in milliseconds, need not be touched again. */
  readonly touchAfterMs: number
  /** How long what is deleted can be brought back, in milliseconds. */
  readonly keepDeletedMs: number
  /** Called after a push has added a job. */
  readonly onJob: () => void
}
