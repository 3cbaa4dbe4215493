import { setImmediate as giveWay, setTimeout as rest } from 'node:timers/promises'

/** How far ahead of its rate a reader may be after a pause, in seconds. */
const AHEAD_SECONDS = 0.05

/** A file that is in memory comes without a pause: after so many bytes requests have their turn. */
const GIVE_WAY_BYTES = 1024 * 1024

/** Longest single sleep, in milliseconds: timers take no more than 24 days. */
const LONGEST_REST_MS = 60_000

/** Holds a reader to so many bytes in a second of real time, however large its pieces are. */
export class BytePace {
  readonly bytesPerSecond: number
  #left: number
  #at = performance.now()
  #sinceRest = 0

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond
    this.#left = bytesPerSecond * AHEAD_SECONDS
  }

  /**
   * Counts bytes that were read; resolves when the next may be.
   *
   * @throws DOMException `AbortError` as soon as the signal is given
   */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#left -= bytes
    this.#sinceRest += bytes
    if (this.#sinceRest >= GIVE_WAY_BYTES) {
      this.#sinceRest = 0
      await giveWay()
    }
    for (;;) {
      const now = performance.now()
      const earned = ((now - this.#at) / 1000) * this.bytesPerSecond
      this.#left = Math.min(this.bytesPerSecond * AHEAD_SECONDS, this.#left + earned)
      this.#at = now
      if (this.#left >= 0) return
      const waitMs = (-this.#left / this.bytesPerSecond) * 1000
      await rest(Math.min(LONGEST_REST_MS, Math.ceil(waitMs)), undefined, { signal })
    }
  }
}
