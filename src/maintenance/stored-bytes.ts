import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Database } from '../storage/database.ts'

/** What upkeep of stored bytes works on. */
export interface StoredBytes {
  readonly db: Database
  readonly blobs: BlobStore
  readonly log: Log
  readonly clock: Clock
}
