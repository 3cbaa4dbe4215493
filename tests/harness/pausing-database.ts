import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'

/** A transaction that waits before a statement. */
export interface Pause {
  /** Resolves when a transaction has come to the statement. */
  readonly reached: Promise<void>
  /** Lets it go on. */
  resume(): void
}

interface Waiting {
  readonly statement: string
  /** Times that the statement goes by before the one that waits. */
  skip: number
  readonly arrive: () => void
  readonly go: Promise<void>
}

/** A real database whose transactions can be held before a certain statement, so that another comes in between. */
export class PausingDatabase implements Database {
  readonly #inner: Database
  readonly #waiting: Waiting[] = []

  constructor(inner: Database) {
    this.#inner = inner
  }

  /** @param statement  the beginning of a statement, as `delete from tags` */
  pauseBefore(statement: string, skip = 0): Pause {
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    this.#waiting.push({ statement, skip, arrive: reached.resolve, go: go.promise })
    return { reached: reached.promise, resume: go.resolve }
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    return this.#inner.all(strings, ...parts)
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    return this.#inner.first(strings, ...parts)
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const hold = (strings: TemplateStringsArray) => this.#hold(strings)
    return this.#inner.transaction((tx) =>
      work({
        async all(strings, ...parts) {
          await hold(strings)
          return tx.all(strings, ...parts)
        },
        async first(strings, ...parts) {
          await hold(strings)
          return tx.first(strings, ...parts)
        },
        async run(strings, ...parts) {
          await hold(strings)
          return tx.run(strings, ...parts)
        },
      }),
    )
  }

  async #hold(strings: TemplateStringsArray): Promise<void> {
    const text = strings.join('?').trim()
    const at = this.#waiting.findIndex(({ statement }) => text.startsWith(statement))
    const waiting = this.#waiting[at]
    if (!waiting || waiting.skip-- > 0) return
    this.#waiting.splice(at, 1)
    waiting.arrive()
    await waiting.go
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
