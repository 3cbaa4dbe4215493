import { setTimeout as rest } from 'node:timers/promises'

/** How far ahead of its rate a reader may be after a pause, in seconds. */
const AHEAD_SECONDS = 0.25

/** Longest single sleep, in milliseconds: timers take no more than 24 days. */
const LONGEST_REST_MS = 60_000

/** Holds a reader to so many bytes in a second of real time, however large its pieces are. */
export class BytePace {
  readonly bytesPerSecond: number
  #left: number
  #at = performance.now()

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
