/** The mistake of opening a transaction inside one: where there is one writer, it would wait for itself. */
export class NestedTransactionError extends Error {
  override readonly name = 'NestedTransactionError'

  constructor() {
    super('a transaction inside a transaction: hand the outer one on')
  }
}

/**
 * What every transaction must hold to: after its end it takes no statement, and one failed statement fails the whole,
 * also when the work caught the error. Engines differ here: one goes on after a failed statement, another answers a
 * commit after it with a rollback and no error.
 */
export class TransactionState {
  readonly #pending = new Set<Promise<unknown>>()
  #open = true
  #failure: { readonly error: unknown } | null = null

  get isOpen(): boolean {
    return this.#open
  }

  /** What the first failed statement threw. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure
  }

  /** Runs one statement, or refuses to. */
  attempt<T>(statement: () => T | Promise<T>): Promise<T> {
    const answer = this.#attempt(statement)
    this.#pending.add(answer)
    const settled = () => void this.#pending.delete(answer)
    answer.then(settled, settled)
    return answer
  }

  /** Takes no more statements, and waits for those whose answer nobody awaited. */
  async end(): Promise<void> {
    this.#open = false
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  async #attempt<T>(statement: () => T | Promise<T>): Promise<T> {
    if (!this.#open) throw new Error('the transaction has ended: await every statement inside its work')
    if (this.#failure) throw this.#failure.error
    try {
      return await statement()
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }
}
