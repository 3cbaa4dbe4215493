import { RegistryError } from '../../src/core/errors.ts'
import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'

/** `rolled-back`: nothing of it happened; `answer-lost`: all of it happened, and the caller is told that it failed. */
export type Fault = 'rolled-back' | 'answer-lost'

/** A real database whose next transaction with a certain statement fails, once. */
export class FaultyDatabase implements Database {
  readonly #inner: Database
  #fault: { readonly statement: string; readonly kind: Fault } | null = null

  constructor(inner: Database) {
    this.#inner = inner
  }

  /** @param statement  the beginning of a statement, as `insert into blobs` */
  failOnce(statement: string, kind: Fault): void {
    this.#fault = { statement, kind }
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    return this.#inner.all(strings, ...parts)
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    return this.#inner.first(strings, ...parts)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let isMeant = false
    const look = (strings: TemplateStringsArray) => {
      if (this.#fault && strings.join('?').trim().startsWith(this.#fault.statement)) isMeant = true
    }
    const result = await this.#inner.transaction(async (tx) => {
      const done = await work(watched(tx, look))
      if (isMeant && this.#fault?.kind === 'rolled-back') throw this.#failure()
      return done
    })
    if (isMeant && this.#fault?.kind === 'answer-lost') throw this.#failure()
    return result
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #failure(): RegistryError {
    this.#fault = null
    return new RegistryError('UNAVAILABLE', undefined, { message: 'a fault of this test' })
  }
}

function watched(tx: Transaction, look: (strings: TemplateStringsArray) => void): Transaction {
  return {
    all(strings, ...parts) {
      look(strings)
      return tx.all(strings, ...parts)
    },
    first(strings, ...parts) {
      look(strings)
      return tx.first(strings, ...parts)
    },
    run(strings, ...parts) {
      look(strings)
      return tx.run(strings, ...parts)
    },
  }
}
