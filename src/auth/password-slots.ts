import { RegistryError } from '../core/errors.ts'

/** Somebody who waits. */
interface Waiting {
  readonly source: string
  readonly go: () => void
}

/** Limits how much work is done at once and how much waits, so that a flood of sign-ins costs a known amount. */
export class PasswordSlots {
  readonly #maxWaiting: number
  readonly #maxPerSource: number
  readonly #waiting: Waiting[] = []
  #free: number

  /** @param maxPerSource  how many from one source may wait: a flood from there leaves room for the others */
  constructor(atOnce: number, maxWaiting: number, maxPerSource = maxWaiting) {
    this.#free = atOnce
    this.#maxWaiting = maxWaiting
    this.#maxPerSource = maxPerSource
  }

  /** @throws RegistryError `TOOMANYREQUESTS` when too many wait already; what `work` throws comes through */
  async run<T>(work: () => Promise<T>, source = ''): Promise<T> {
    await this.#take(source)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next.go()
      else this.#free++
    }
  }

  #take(source: string): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    const sameSource = this.#waiting.filter((waiting) => waiting.source === source).length
    if (this.#waiting.length >= this.#maxWaiting || sameSource >= this.#maxPerSource) {
      throw new RegistryError('TOOMANYREQUESTS', undefined, { retryAfterSeconds: 2 })
    }
    return new Promise((resolve) => this.#waiting.push({ source, go: resolve }))
  }
}
