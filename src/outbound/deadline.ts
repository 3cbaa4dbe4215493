import { OutboundError, type Patience } from '../core/outbound.ts'

/** The clocks of one exchange: one signal that ends it when its caller gives up or a time runs out. */
export class Deadline {
  readonly #end = new AbortController()
  readonly #host: string
  readonly #patience: Patience
  readonly #caller: AbortSignal | undefined
  #total: Timer | undefined
  #waiting: Timer | undefined
  #isOver = false

  constructor(host: string, patience: Patience, caller: AbortSignal | undefined) {
    this.#host = host
    this.#patience = patience
    this.#caller = caller
    const { answerMs, totalMs } = patience
    this.#waiting = this.#timer(answerMs, `no answer within ${answerMs} ms`)
    if (totalMs !== undefined) this.#total = this.#timer(totalMs, `not done within ${totalMs} ms`)
    if (caller?.aborted) this.#leave()
    else caller?.addEventListener('abort', this.#leave, { once: true })
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  /** Whether it was the caller who ended it. */
  get isGivenUp(): boolean {
    return this.#caller?.aborted === true && this.signal.reason === this.#caller.reason
  }

  /** The head is here. */
  answered(): void {
    clearTimeout(this.#waiting)
  }

  /** The body is read whole, so it is a small one: it gets an end also where the exchange has none. */
  readWhole(): void {
    if (this.#isOver) return
    const { answerMs } = this.#patience
    this.#total ??= this.#timer(answerMs, `not done within ${answerMs} ms`)
  }

  /** Waits for one piece of the body. */
  async piece<T>(read: Promise<T>): Promise<T> {
    const { idleMs } = this.#patience
    this.#waiting = this.#timer(idleMs, `silent for ${idleMs} ms in the middle of an answer`)
    try {
      return await read
    } finally {
      clearTimeout(this.#waiting)
    }
  }

  /** Stops the clocks; must be called once, whatever happened. */
  over(): void {
    this.#isOver = true
    clearTimeout(this.#waiting)
    clearTimeout(this.#total)
    this.#caller?.removeEventListener('abort', this.#leave)
  }

  readonly #leave = () => this.#end.abort(this.#caller?.reason)

  #timer(ms: number, problem: string): Timer {
    return setTimeout(() => this.#end.abort(new OutboundError('timeout', this.#host, problem)), ms)
  }
}
