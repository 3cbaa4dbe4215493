import type { ReservedSQL } from 'bun'
import type { Row, SqlPart } from './database.ts'
import type { ScriptTransaction } from './migratable-database.ts'
import { type PostgresAnswer, query } from './postgres-connection.ts'
import { postgresFailure } from './postgres-failure.ts'
import { TransactionState } from './transaction-state.ts'

/** What one piece of work does on a connection that is its own until the end. */
export class PostgresTransaction implements ScriptTransaction {
  readonly state = new TransactionState()
  readonly #connection: ReservedSQL

  constructor(connection: ReservedSQL) {
    this.#connection = connection
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    // the caller names the shape of the rows; no compiler reads SQL
    return this.#query(strings, parts, ({ rows }) => rows as T[])
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    // as above
    return this.#query(strings, parts, ({ rows }) => (rows[0] ?? null) as T | null)
  }

  run(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<number> {
    return this.#query(strings, parts, ({ count }) => count)
  }

  script(text: string): Promise<void> {
    return this.#attempt(async () => {
      await this.#connection.unsafe(text)
    })
  }

  #query<T>(strings: TemplateStringsArray, parts: readonly SqlPart[], read: (answer: PostgresAnswer) => T): Promise<T> {
    return this.#attempt(async () => read(await query(this.#connection, strings, parts)))
  }

  #attempt<T>(statement: () => Promise<T>): Promise<T> {
    return this.state.attempt(() => statement().catch(rethrow))
  }
}

function rethrow(error: unknown): never {
  throw postgresFailure(error)
}
