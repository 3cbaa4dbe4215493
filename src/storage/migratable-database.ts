import type { Database, Transaction } from './database.ts'

/** A change of the schema, in the words of each engine. Once released it never changes: the next one corrects it. */
export interface Migration {
  /** `NNN-name`; migrations are applied in the order of their names. */
  readonly name: string
  readonly sqlite: string
  readonly postgres: string
}

/** A transaction that also takes texts of several statements. */
export interface ScriptTransaction extends Transaction {
  script(text: string): Promise<void>
}

/** What a backend offers the migration runner besides its queries. */
export interface MigratableDatabase extends Database {
  readonly engine: 'sqlite' | 'postgres'
  /** Like `transaction`, and only one at a time among all processes that use the database. */
  migration<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T>
}
