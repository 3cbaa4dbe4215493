/** After this long without a pause, in milliseconds, the next turn waits until other events had theirs. */
const PAUSE_AFTER_MS = 5

/** One at a time, in the order they came. */
export class Turns {
  readonly #waiting = new Set<() => void>()
  #taken = false
  #lastPause = 0

  /** Resolves to true when it is the caller's turn, to false when it did not come within `waitMs`. */
  take(waitMs: number): Promise<boolean> {
    if (!this.#taken) {
      this.#taken = true
      if (performance.now() - this.#lastPause < PAUSE_AFTER_MS) return Promise.resolve(true)
      // also for one who takes turn after turn alone, with nothing between them that waits
      return new Promise((resolve) => setImmediate(() => this.#pass(() => resolve(true))))
    }
    return new Promise((resolve) => {
      const start = () => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(start)
        resolve(false)
      }, waitMs)
      this.#waiting.add(start)
    })
  }

  /** Ends the turn that `take` gave. */
  release(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#taken = false
      return
    }
    this.#waiting.delete(next)
    // turns that never wait for anything would else keep requests from being read
    if (performance.now() - this.#lastPause < PAUSE_AFTER_MS) next()
    else setImmediate(() => this.#pass(next))
  }

  #pass(next: () => void): void {
    this.#lastPause = performance.now()
    next()
  }
}
