import type { Row, SqlPart } from './database.ts'
import type { ScriptTransaction } from './migratable-database.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** What one piece of work does on the write connection. After its end it answers nothing. */
export class SqliteTransaction implements ScriptTransaction {
  readonly #connection: SqliteConnection
  #open = true
  #failure: { readonly error: unknown } | null = null

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  get isOpen(): boolean {
    return this.#open
  }

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    // the caller names the shape of the rows; no compiler reads SQL
    return this.#attempt(() => this.#connection.all(strings, parts)) as T[]
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    // as above
    return this.#attempt(() => this.#connection.first(strings, parts)) as T | null
  }

  async run(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<number> {
    return this.#attempt(() => this.#connection.run(strings, parts))
  }

  async script(text: string): Promise<void> {
    this.#attempt(() => this.#connection.script(text))
  }

  /** @throws what a statement threw, also when the work caught it: half a transaction must not be committed */
  end(): void {
    this.#open = false
    if (this.#failure) throw this.#failure.error
  }

  /** Ends it without asking how it went. */
  abandon(): void {
    this.#open = false
  }

  #attempt<T>(statement: () => T): T {
    if (!this.#open) throw new Error('the transaction has ended: await every statement inside its work')
    if (this.#failure) throw this.#failure.error
    try {
      return statement()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }
}
