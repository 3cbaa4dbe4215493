import { RegistryError } from '../core/errors.ts'

/** Limits how much work is done at once and how much waits, so that a flood of sign-ins costs a known amount. */
export class PasswordSlots {
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number, maxWaiting: number) {
    this.#free = atOnce
    this.#maxWaiting = maxWaiting
  }

  /** @throws RegistryError `TOOMANYREQUESTS` when too many wait already; what `work` throws comes through */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#take()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  #take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new RegistryError('TOOMANYREQUESTS', undefined, { retryAfterSeconds: 2 })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
