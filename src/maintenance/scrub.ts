import {
  type BlobPlace,
  type CheckedBlob,
  type DueCursor,
  listDamagedDue,
  listDueBlobs,
  type RecheckRule,
  saveGoodBlobs,
} from '../catalog/blob-health.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { holdsNothing } from '../storage/blob-store.ts'
import { BytePace } from './byte-pace.ts'
import { checkBlob } from './check-blob.ts'
import { MOST_TOLD, noteDamage, type ToldDamage } from './damage-report.ts'
import type { StoredBytes } from './stored-bytes.ts'

/** The kind of job that runs the scrubber. */
export const SCRUB_JOB = 'scrub'

/** The payload of a run that somebody has asked for. */
export interface AskedScrub {
  /** When it was asked for, in milliseconds since 1970: what was checked later need not be again. */
  readonly checkedUntil: number
}

/** What a run checks, and how fast. */
export interface ScrubSettings {
  readonly bytesPerSecond: number
  /** Blobs that were last checked then or before, in milliseconds since 1970. */
  readonly checkedUntil: number
  /** Which damaged blobs are looked at again besides those. */
  readonly recheck: RecheckRule
  /** After so long no further blob is begun, in milliseconds. */
  readonly mostMs: number
}

/** What a run of the scrubber found. */
export interface ScrubReport {
  /** Blobs. */
  seen: number
  /** Of the blobs that were seen. */
  bytes: number
  damaged: number
  /** The first of them. */
  readonly missing: ToldDamage[]
  /** Blobs that counted as damaged and are good. */
  recovered: number
  /** Blobs whose bytes the store did not bring: they are tried again. */
  unreadable: number
  readonly unreadableDigests: Digest[]
  /** Whether everything that was due was looked at. */
  isComplete: boolean
}

const PAGE = 100

/** Good checks are written down together, this many or after this long. */
const MOST_PENDING = 64
const PENDING_MS = 2_000

/** So many blobs in a row that cannot be read are a store that is not there: everything is tried again later. */
const MOST_UNREADABLE = 8

/**
 * Reads stored blobs and compares them with their digests: damaged ones first, as their store may be back, then those
 * that were longest not checked.
 *
 * What was checked is written down as it goes, so that a run that is stopped is gone on with by the next.
 *
 * @throws the store's own error when one blob after the other cannot be read
 */
export async function scrub(bytes: StoredBytes, settings: ScrubSettings, signal: AbortSignal): Promise<ScrubReport> {
  const run = new ScrubRun(bytes, settings, signal)
  try {
    await run.checkAll(run.damaged())
    await run.checkAll(run.due())
    return run.report
  } finally {
    await run.writeGood()
  }
}

class ScrubRun {
  readonly report: ScrubReport = {
    seen: 0,
    bytes: 0,
    damaged: 0,
    missing: [],
    recovered: 0,
    unreadable: 0,
    unreadableDigests: [],
    isComplete: true,
  }
  readonly #bytes: StoredBytes
  readonly #settings: ScrubSettings
  readonly #signal: AbortSignal
  readonly #pace: BytePace
  readonly #begunAt = performance.now()
  #pending: BlobPlace[] = []
  #writtenAt = performance.now()
  #unreadableInARow = 0

  constructor(bytes: StoredBytes, settings: ScrubSettings, signal: AbortSignal) {
    this.#bytes = bytes
    // What this run has checked must not come again, also where somebody's clock is ahead of ours.
    this.#settings = { ...settings, checkedUntil: Math.min(settings.checkedUntil, bytes.clock() - 1) }
    this.#signal = signal
    this.#pace = new BytePace(settings.bytesPerSecond)
  }

  async checkAll(blobs: AsyncIterable<CheckedBlob>): Promise<void> {
    for await (const blob of blobs) {
      if (performance.now() - this.#begunAt >= this.#settings.mostMs) {
        this.report.isComplete = false
        return
      }
      await this.#check(blob)
    }
  }

  async *damaged(): AsyncGenerator<CheckedBlob> {
    const { db, clock } = this.#bytes
    const { recheck, checkedUntil } = this.#settings
    const now = clock()
    // What was asked to be looked at is looked at, whatever its turn.
    const rule = { ...recheck, longestMs: Math.min(recheck.longestMs, now - checkedUntil) }
    for (let after = ''; ; ) {
      const page = await listDamagedDue(db, rule, now, after, PAGE)
      yield* page
      const last = page.at(-1)
      if (page.length < PAGE || !last) return
      after = last.digest
    }
  }

  async *due(): AsyncGenerator<CheckedBlob> {
    for (let after: DueCursor = { checked_at: -1, digest: '' }; ; ) {
      const page = await listDueBlobs(this.#bytes.db, this.#settings.checkedUntil, after, PAGE)
      yield* page
      const last = page.at(-1)
      if (page.length < PAGE || !last) return
      after = last
    }
  }

  async #check(blob: CheckedBlob): Promise<void> {
    const { db, blobs, log, clock } = this.#bytes
    const check = await checkBlob(blobs, blob, this.#pace, this.#signal)
    this.report.seen += 1
    if (check.state === 'unreadable') return this.#putOff(blob, check.error)
    this.#unreadableInARow = 0
    this.report.bytes += blob.size
    if (check.state === 'good') {
      this.#pending.push(blob)
      const isTime = performance.now() - this.#writtenAt >= PENDING_MS
      if (isTime || this.#pending.length >= MOST_PENDING) await this.writeGood()
      return
    }
    if (check.state === 'missing' && (await holdsNothing(blobs))) throw away()
    const told = await noteDamage(db, log, blob, { by: 'scrub', reason: check.reason }, clock())
    if (!told) return
    this.report.damaged += 1
    if (this.report.missing.length < MOST_TOLD) this.report.missing.push(told)
  }

  /** The blob keeps its place in the queue: the next run begins with it. */
  #putOff({ digest }: CheckedBlob, error: unknown): void {
    this.report.unreadable += 1
    if (this.report.unreadableDigests.length < MOST_TOLD) this.report.unreadableDigests.push(digest)
    this.#bytes.log.warn('blobs.not_readable', { digest, reason: String(error) })
    this.#unreadableInARow += 1
    if (this.#unreadableInARow >= MOST_UNREADABLE) throw error
  }

  async writeGood(): Promise<void> {
    const { db, log, clock } = this.#bytes
    const places = this.#pending
    this.#pending = []
    this.#writtenAt = performance.now()
    if (places.length === 0) return
    const recovered = await db.transaction((tx) => saveGoodBlobs(tx, places, clock()))
    this.report.recovered += recovered.length
    for (const digest of recovered) log.warn('blobs.good_again', { digest })
  }
}

/** A disk that is not mounted would have every blob marked, and read again when it is back. */
function away(): RegistryError {
  const message = 'the store holds nothing at all: is its disk mounted, is it the right bucket?'
  return new RegistryError('UNAVAILABLE', undefined, { message })
}
