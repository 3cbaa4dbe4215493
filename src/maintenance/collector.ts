import {
  dropCondemned,
  dropUsedReviews,
  type LinkReview,
  listDueReviews,
  listRemovable,
  postponeRemoval,
  settleReviews,
} from '../catalog/collection.ts'
import { hasDuePurge, isHeldAnywhere, purgeStep } from '../catalog/purge.ts'
import type { Clock } from '../core/clock.ts'
import type { Digest } from '../core/digest.ts'
import type { Log } from '../core/log.ts'
import { saveJob } from '../jobs/queue.ts'
import { SCAN_JOB } from '../repositories/local.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Database } from '../storage/database.ts'

/** What a collector works with, and how patient it is. */
export interface CollectorOptions {
  readonly db: Database
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Log
  /** How long a blob that nothing uses is kept, in milliseconds. */
  readonly graceMs: number
  /** How long bytes stay after the last row that speaks of them, in milliseconds. */
  readonly removeAfterMs: number
}

/** What a collector has done so far. */
export interface CollectorTally {
  reviewedLinks: number
  hiddenLinks: number
  condemnedBlobs: number
  condemnedBytes: number
  purgedArtifacts: number
  removedBlobs: number
  removedBytes: number
  /** Removals that the store has refused; they are tried again later. */
  failedRemovals: number
}

/** Reviews read at a time: those of links in use, which are most, go in one transaction. */
const REVIEWS = 100
/** Most links not in use that are decided on in one transaction. */
const UNUSED_LINKS = 8
const REMOVALS = 64
/** A store that refuses so many in a row is not asked for more in this step. */
const MOST_FAILURES = 3
const RETRY_MS = 60_000

/**
 * Clears away what nobody uses any more, a small step at a time. Each step is a transaction of its own or a call to the
 * store, and may be the last before a crash: what it did not finish is done again. Several collectors do no harm.
 *
 * @see decisions/026-collecting-while-serving.md
 */
export class Collector {
  readonly tally: CollectorTally = {
    reviewedLinks: 0,
    hiddenLinks: 0,
    condemnedBlobs: 0,
    condemnedBytes: 0,
    purgedArtifacts: 0,
    removedBlobs: 0,
    removedBytes: 0,
    failedRemovals: 0,
  }
  readonly #options: CollectorOptions
  /** Reviews of links that were not in use when they were looked at. */
  #unused: LinkReview[] = []

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  /** Decides on links that may have lost their last use: many that have not, or a few that have. False: none is due. */
  async reviewLinks(): Promise<boolean> {
    if (this.#unused.length > 0) {
      await this.#settle()
      return true
    }
    const { db, clock, graceMs } = this.#options
    const due = await listDueReviews(db, clock() - graceMs, REVIEWS)
    if (due.length === 0) return false
    const packages = [...Map.groupBy(due, ({ package_id }) => package_id)].sort(([a], [b]) => a - b)
    this.#unused = await db.transaction(async (tx) => {
      const unused: LinkReview[] = []
      for (const [pkg, links] of packages) {
        const used = new Set(
          await dropUsedReviews(
            tx,
            pkg,
            links.map(({ digest }) => digest),
          ),
        )
        unused.push(...links.filter(({ digest }) => !used.has(digest)))
      }
      return unused
    })
    this.tally.reviewedLinks += due.length - this.#unused.length
    return true
  }

  /** A few links at a time, of one package: they are of one repository, whose room is given back once. */
  async #settle(): Promise<void> {
    const { db, clock, graceMs } = this.#options
    const pkg = this.#unused[0]?.package_id
    const beginning = this.#unused.slice(0, UNUSED_LINKS)
    const links = beginning.filter(({ package_id }) => package_id === pkg)
    this.#unused = this.#unused.slice(links.length)
    if (pkg === undefined) return
    const digests = links.map(({ digest }) => digest)
    const now = clock()
    const settled = await db.transaction((tx) => settleReviews(tx, pkg, digests, now - graceMs, now))
    this.tally.reviewedLinks += settled.reviewed
    this.tally.hiddenLinks += settled.hidden
    this.tally.condemnedBlobs += settled.condemned.length
    this.tally.condemnedBytes += settled.condemned.reduce((sum, size) => sum + size, 0)
  }

  /** Purges a part of a deletion that can be taken back no longer. False: there is none. */
  async purgeDeletions(): Promise<boolean> {
    const { db, clock } = this.#options
    if (!(await hasDuePurge(db, clock()))) return false
    const purged = await db.transaction((tx) => purgeStep(tx, clock()))
    if (!purged) return false
    this.tally.purgedArtifacts += purged.artifacts
    for (const digest of purged.unscanned) await this.#scanAgain(digest)
    return true
  }

  /** The same manifest may have been pushed, and scanned, at the moment when its last copy was purged. */
  async #scanAgain(digest: Digest): Promise<void> {
    const { db, clock } = this.#options
    if (!(await isHeldAnywhere(db, digest))) return
    await db.transaction((tx) => saveJob(tx, { kind: SCAN_JOB, subject: digest }, clock()))
  }

  /** Removes condemned bytes, then the rows that named them. False: none is due, or the store fails. */
  async removeBytes(): Promise<boolean> {
    const { db, blobs, clock, removeAfterMs } = this.#options
    const locations = await listRemovable(db, clock() - removeAfterMs, REMOVALS)
    if (locations.length === 0) return false
    try {
      await blobs.remove(locations)
    } catch (error) {
      return this.#removeOneByOne(locations, error)
    }
    await this.#forget(locations)
    return true
  }

  /** Finds out which of them the store refuses, so that they keep nobody else waiting. */
  async #removeOneByOne(locations: readonly string[], cause: unknown): Promise<boolean> {
    const { db, blobs, clock, removeAfterMs, log } = this.#options
    const removed: string[] = []
    const failed: string[] = []
    let failuresInARow = 0
    for (const location of locations) {
      if (failuresInARow === MOST_FAILURES) break
      try {
        await blobs.remove([location])
        removed.push(location)
        failuresInARow = 0
      } catch {
        failed.push(location)
        failuresInARow++
      }
    }
    log.warn('collection.not_removed', { blobs: failed.length, first: failed[0], reason: String(cause) })
    this.tally.failedRemovals += failed.length
    await this.#forget(removed)
    await db.transaction((tx) => postponeRemoval(tx, failed, clock() - removeAfterMs + RETRY_MS))
    return failuresInARow < MOST_FAILURES
  }

  async #forget(locations: readonly string[]): Promise<void> {
    const sizes = await this.#options.db.transaction((tx) => dropCondemned(tx, locations))
    this.tally.removedBlobs += sizes.length
    this.tally.removedBytes += sizes.reduce((sum, size) => sum + size, 0)
  }
}
