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

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    // the caller names the shape of the rows; no compiler reads SQL
    return (await this.#query(strings, parts)).rows as T[]
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    // as above
    return ((await this.#query(strings, parts)).rows[0] ?? null) as T | null
  }

  async run(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<number> {
    return (await this.#query(strings, parts)).count
  }

  async script(text: string): Promise<void> {
    await this.#attempt(() => this.#connection.unsafe(text))
  }

  #query(strings: TemplateStringsArray, parts: readonly SqlPart[]): Promise<PostgresAnswer> {
    return this.#attempt(() => query(this.#connection, strings, parts))
  }

  #attempt<T>(statement: () => Promise<T>): Promise<T> {
    return this.state.attempt(() => statement().catch(rethrow))
  }
}

function rethrow(error: unknown): never {
  throw postgresFailure(error)
}
