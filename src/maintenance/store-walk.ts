import { setTimeout as rest } from 'node:timers/promises'
import { knownPlaces, listBlobsByLocation, type PlacedBlob } from '../catalog/reconciliation.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobEntry, BlobStore } from '../storage/blob-store.ts'
import type { ReconcileSettings } from './reconcile-settings.ts'
import type { StoredBytes } from './stored-bytes.ts'

const BATCH = 1000

/** Findings of a kind that are kept in memory to be dealt with; the next run finds the others. */
const MOST_HELD = 20_000

/** What the walk brings back; lists hold the first of many, counts all. */
export interface WalkFindings {
  rows: number
  rowBytes: number
  entries: number
  orphanCount: number
  orphanBytes: number
  readonly orphans: Orphan[]
  missingCount: number
  readonly missing: MissingBlob[]
  readonly unlinked: PlacedBlob[]
  isComplete: boolean
}

/** Bytes in the store that no row speaks of. */
export interface Orphan {
  readonly location: string
  readonly size: number
  readonly uploadId: string | null
}

/** A blob whose bytes are not where its row says, and how that shows. */
export interface MissingBlob {
  readonly blob: PlacedBlob
  readonly reason: string
}

/**
 * Goes through the store and through the rows side by side, both in the order of locations: a page of each in memory,
 * and no call to the store for a blob that is well.
 *
 * A store that lists in another order only costs more: nothing counts as missing that was not asked for by itself.
 */
export class StoreWalk {
  readonly #bytes: StoredBytes
  readonly #settings: ReconcileSettings
  readonly #signal: AbortSignal
  readonly #found: WalkFindings = {
    rows: 0,
    rowBytes: 0,
    entries: 0,
    orphanCount: 0,
    orphanBytes: 0,
    orphans: [],
    missingCount: 0,
    missing: [],
    unlinked: [],
    isComplete: true,
  }

  constructor(bytes: StoredBytes, settings: ReconcileSettings, signal: AbortSignal) {
    this.#bytes = bytes
    this.#settings = settings
    this.#signal = signal
  }

  async run(): Promise<WalkFindings> {
    let after = ''
    for await (const batch of inBatches(this.#bytes.blobs)) {
      // Out of order, the place up to which the rows have been looked at stays.
      const upTo = batch.reduce((last, { location }) => (location > last ? location : last), after)
      await this.#compareRows(new Map(batch.map((entry) => [entry.location, entry])), after, upTo)
      await this.#findOrphans(batch)
      after = upTo
      await rest(this.#settings.pauseMs, undefined, { signal: this.#signal })
    }
    await this.#compareRows(new Map(), after, null)
    return this.#found
  }

  async #compareRows(entries: ReadonlyMap<string, BlobEntry>, from: string, upTo: string | null): Promise<void> {
    for (let after = from; ; ) {
      this.#signal.throwIfAborted()
      const rows = await listBlobsByLocation(this.#bytes.db, after, upTo, BATCH)
      for (const row of rows) await this.#compare(row, entries.get(row.location))
      const last = rows.at(-1)
      if (rows.length < BATCH || !last) return
      after = last.location
    }
  }

  async #compare(blob: PlacedBlob, entry: BlobEntry | undefined): Promise<void> {
    const found = this.#found
    found.rows += 1
    found.rowBytes += blob.size
    if (blob.is_linked === 0) this.#hold(found.unlinked, blob)
    if (entry?.size === blob.size) return
    this.#signal.throwIfAborted()
    // The list may be older than the row.
    const size = await sizeOf(this.#bytes.blobs, blob.location)
    if (size === blob.size) return
    found.missingCount += 1
    const reason = size === null ? 'its bytes are not in the store' : `it has ${size} bytes, should have ${blob.size}`
    if (blob.damaged_at === null) this.#hold(found.missing, { blob, reason })
  }

  async #findOrphans(batch: readonly BlobEntry[]): Promise<void> {
    const found = this.#found
    found.entries += batch.length
    const bornBefore = this.#bytes.clock() - this.#settings.safeAgeMs
    const old = batch.filter(({ modifiedAt }) => modifiedAt <= bornBefore)
    for (const orphan of await withoutRow(this.#bytes, old)) {
      found.orphanCount += 1
      found.orphanBytes += orphan.size
      this.#hold(found.orphans, { location: orphan.location, size: orphan.size, uploadId: orphan.uploadId })
    }
  }

  #hold<T>(list: T[], item: T): void {
    if (list.length < MOST_HELD) list.push(item)
    else this.#found.isComplete = false
  }
}

/** Those of which the database says nothing at this moment. */
export async function withoutRow<T extends Pick<BlobEntry, 'location' | 'uploadId'>>(
  { db }: Pick<StoredBytes, 'db'>,
  entries: readonly T[],
): Promise<T[]> {
  const uploadIds = entries.flatMap(({ uploadId }) => (uploadId === null ? [] : [uploadId]))
  const locations = entries.map(({ location }) => location)
  const known = await knownPlaces(db, locations, uploadIds)
  return entries.filter(({ location, uploadId }) => {
    return !known.has(location) && (uploadId === null || !known.has(uploadId))
  })
}

/** The size of what lies at a place; null also for a place that this store could not have made. */
async function sizeOf(store: BlobStore, location: string): Promise<number | null> {
  try {
    return await store.stat(location)
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'UNKNOWN') return null
    throw error
  }
}

async function* inBatches(store: BlobStore): AsyncGenerator<BlobEntry[]> {
  let batch: BlobEntry[] = []
  for await (const entry of store.list()) {
    batch.push(entry)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
