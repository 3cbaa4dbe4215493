import { Database as Connection, type Statement } from 'bun:sqlite'
import type { SqlPart, SqlValue } from './database.ts'
import { RecentMap } from './recent-map.ts'
import { checkedValue, isValue, type SqlSpelling, sqlStatement } from './sql-text.ts'
import { sqliteFailure } from './sqlite-failure.ts'

/** Statements whose text depends on their parameters and that are kept prepared, per connection. */
const MAX_TEXTS = 200

const SPELLING: SqlSpelling = {
  parameter: () => '?',
  // one connection writes at a time, so no row is ever held by somebody else
  fragment: () => '',
}

type Prepared = Statement<unknown, SqlValue[]>

/** One connection to the file, and the statements prepared on it. Every call is synchronous. */
export class SqliteConnection {
  readonly #connection: Connection
  readonly #byTemplate = new WeakMap<TemplateStringsArray, Prepared>()
  readonly #ofTemplates: Prepared[] = []
  readonly #byText = new RecentMap<Prepared>(MAX_TEXTS, (statement) => statement.finalize())

  constructor(path: string, pragmas: readonly string[]) {
    try {
      this.#connection = new Connection(path, { create: true, readwrite: true })
      for (const pragma of pragmas) this.#connection.run(`pragma ${pragma}`)
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction
  }

  /** The rows of a statement. */
  all(strings: TemplateStringsArray, parts: readonly SqlPart[]): unknown[] {
    try {
      if (parts.every(isValue)) return this.#prepared(strings).all(...parts.map(checkedValue))
      const { text, values } = sqlStatement(SPELLING, strings, parts)
      return this.#preparedText(text).all(...values)
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** The first row, or null. */
  first(strings: TemplateStringsArray, parts: readonly SqlPart[]): unknown {
    try {
      if (parts.every(isValue)) return this.#prepared(strings).get(...parts.map(checkedValue))
      const { text, values } = sqlStatement(SPELLING, strings, parts)
      return this.#preparedText(text).get(...values)
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** How many rows a statement changed. */
  run(strings: TemplateStringsArray, parts: readonly SqlPart[]): number {
    try {
      if (parts.every(isValue)) return this.#prepared(strings).run(...parts.map(checkedValue)).changes
      const { text, values } = sqlStatement(SPELLING, strings, parts)
      return this.#preparedText(text).run(...values).changes
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** Runs a text of any number of statements. */
  script(text: string): void {
    try {
      this.#connection.run(text)
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** Frees the file at once; the last connection to it also empties the write-ahead log. */
  close(): void {
    for (const statement of this.#ofTemplates) statement.finalize()
    this.#byText.clear()
    this.#connection.close()
  }

  #prepared(strings: TemplateStringsArray): Prepared {
    const known = this.#byTemplate.get(strings)
    if (known) return known
    const statement: Prepared = this.#connection.prepare(strings.join('?'))
    this.#byTemplate.set(strings, statement)
    this.#ofTemplates.push(statement)
    return statement
  }

  #preparedText(text: string): Prepared {
    const known = this.#byText.get(text)
    if (known) return known
    const statement: Prepared = this.#connection.prepare(text)
    this.#byText.set(text, statement)
    return statement
  }
}
