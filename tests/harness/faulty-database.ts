import { RegistryError } from '../../src/core/errors.ts'
import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'

/** `rolled-back`: nothing of it happened; `answer-lost`: all of it happened, and the caller is told that it failed. */
export type Fault = 'rolled-back' | 'answer-lost'

/** A real database whose next transaction with a certain statement fails, once for each time it was asked to. */
export class FaultyDatabase implements Database {
  readonly #inner: Database
  readonly #faults: { readonly statement: string; readonly kind: Fault }[] = []

  constructor(inner: Database) {
    this.#inner = inner
  }

  /** @param statement  the beginning of a statement, as `insert into blobs` */
  failOnce(statement: string, kind: Fault): void {
    this.#faults.push({ statement, kind })
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    return this.#inner.all(strings, ...parts)
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    return this.#inner.first(strings, ...parts)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let kind: Fault | null = null
    const look = (strings: TemplateStringsArray) => {
      const text = strings.join('?').trim()
      const at = this.#faults.findIndex(({ statement }) => text.startsWith(statement))
      if (at >= 0) kind ??= this.#faults.splice(at, 1)[0]?.kind ?? null
    }
    const result = await this.#inner.transaction(async (tx) => {
      const done = await work(watched(tx, look))
      if (kind === 'rolled-back') throw failure()
      return done
    })
    if (kind === 'answer-lost') throw failure()
    return result
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

function failure(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { message: 'a fault of this test' })
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
