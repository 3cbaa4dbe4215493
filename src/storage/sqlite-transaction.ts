import type { Row, SqlPart } from './database.ts'
import type { ScriptTransaction } from './migratable-database.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { TransactionState } from './transaction-state.ts'

/** What one piece of work does on the write connection. */
export class SqliteTransaction implements ScriptTransaction {
  readonly state = new TransactionState()
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    // the caller names the shape of the rows; no compiler reads SQL
    return this.state.attempt(() => this.#connection.all(strings, parts) as T[])
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    // as above
    return this.state.attempt(() => this.#connection.first(strings, parts) as T | null)
  }

  run(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<number> {
    return this.state.attempt(() => this.#connection.run(strings, parts))
  }

  script(text: string): Promise<void> {
    return this.state.attempt(() => this.#connection.script(text))
  }
}
