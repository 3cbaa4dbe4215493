import type { Clock } from '../core/clock.ts'

/** When to leave a host alone. */
export interface BreakerSettings {
  /** So many failures in a row open it. */
  readonly failures: number
  /** So long nobody asks; then one request tries. */
  readonly restMs: number
}

/** One request's way through a breaker; the first word about how it went counts, later ones do not. */
export interface Passage {
  succeeded(): void
  failed(): void
  /** It says nothing of the host: who asked gave up, or it was never asked. */
  abandoned(): void
}

/** Leaves a host alone for a while that fails again and again: waiting for its timeouts would tie up everything. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings
  readonly #clock: Clock
  #failures = 0
  #restsUntil = 0
  #isTrying = false

  constructor(settings: BreakerSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Lets a request through, or answers null while the host rests or another request tries it. */
  enter(): Passage | null {
    const isOpen = this.#failures >= this.#settings.failures
    if (isOpen && (this.#isTrying || this.#clock() < this.#restsUntil)) return null
    if (isOpen) this.#isTrying = true
    return this.#passage(isOpen)
  }

  #passage(isTrial: boolean): Passage {
    let isOver = false
    const over = (then: () => void) => () => {
      if (isOver) return
      isOver = true
      if (isTrial) this.#isTrying = false
      then()
    }
    return {
      succeeded: over(() => {
        this.#failures = 0
      }),
      failed: over(() => {
        this.#failures += 1
        if (this.#failures >= this.#settings.failures) this.#restsUntil = this.#clock() + this.#settings.restMs
      }),
      abandoned: over(() => {}),
    }
  }
}
