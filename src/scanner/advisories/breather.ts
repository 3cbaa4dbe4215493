/** For how long other work of the process waits, in milliseconds. */
const maxBlockedMs = 10

/** Lets long work that never waits for anything give others their turn. */
export class Breather {
  #turnEnds = performance.now() + maxBlockedMs

  /** Call it often; it waits only when this work has had its turn. */
  breathe(): Promise<void> | void {
    if (performance.now() >= this.#turnEnds) return this.#wait()
  }

  async #wait(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#turnEnds = performance.now() + maxBlockedMs
  }
}
