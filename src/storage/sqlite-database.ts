import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RegistryError } from '../core/errors.ts'
import type { Row, SqlPart, Transaction } from './database.ts'
import type { MigratableDatabase, ScriptTransaction } from './migratable-database.ts'
import { SharedTurns } from './shared-turns.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { isBusy } from './sqlite-failure.ts'
import { SqliteTransaction } from './sqlite-transaction.ts'
import { NestedTransactionError } from './transaction-state.ts'
import { Turns } from './turns.ts'

/** How patient the database is. */
export interface SqliteOptions {
  /** Longest wait for the other transactions, and for another process that holds the file, each; default 30,000. */
  readonly maxWaitMs?: number
}

const MAX_WAIT_MS = 30_000
/** Between two attempts while another process holds the file, in milliseconds: less than the pause that it makes. */
const RETRY_MS = 1
/** The longest timer there is, in milliseconds. */
const FOREVER_MS = 2 ** 31 - 1

// busy_timeout stops the whole event loop, so the waiting is ours
const PRAGMAS = [
  'busy_timeout = 0',
  'journal_mode = wal',
  'foreign_keys = on',
  'temp_store = memory',
  'cache_size = -8000',
]
const WRITER = [...PRAGMAS, 'synchronous = full', 'journal_size_limit = 67108864']
const READER = [...PRAGMAS, 'query_only = on']

/**
 * The database in one file beside the program.
 *
 * One connection writes, a transaction at a time; another one reads and sees only what is committed. Other processes
 * may have the same file open.
 */
export class SqliteDatabase implements MigratableDatabase {
  readonly engine = 'sqlite'
  readonly #writer: SqliteConnection
  readonly #reader: SqliteConnection
  readonly #turns = new Turns()
  readonly #shared = new SharedTurns()
  /** The transaction whose work is running, to notice one that would wait for itself. */
  readonly #running = new AsyncLocalStorage<SqliteTransaction>()
  readonly #maxWaitMs: number
  readonly #cleanUp: () => Promise<void>
  #closed = false

  private constructor(
    writer: SqliteConnection,
    reader: SqliteConnection,
    maxWaitMs: number,
    cleanUp: () => Promise<void>,
  ) {
    this.#writer = writer
    this.#reader = reader
    this.#maxWaitMs = maxWaitMs
    this.#cleanUp = cleanUp
  }

  /**
   * @param path  the file, made when it is not there; its folder must exist. `:memory:` is a file in the system's
   *   temporary folder that goes when the database is closed: two connections cannot share memory without locks
   */
  static async open(path: string, options: SqliteOptions = {}): Promise<SqliteDatabase> {
    const maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS
    if (path !== ':memory:') return SqliteDatabase.#openFile(path, maxWaitMs, async () => {})
    const folder = await mkdtemp(join(tmpdir(), 'seawall-database-'))
    const remove = () => rm(folder, { recursive: true, force: true })
    return SqliteDatabase.#openFile(join(folder, 'database'), maxWaitMs, remove)
  }

  static async #openFile(path: string, maxWaitMs: number, cleanUp: () => Promise<void>): Promise<SqliteDatabase> {
    const writer = await whileBusy(maxWaitMs, () => new SqliteConnection(path, WRITER))
    const reader = await whileBusy(maxWaitMs, () => new SqliteConnection(path, READER))
    return new SqliteDatabase(writer, reader, maxWaitMs, cleanUp)
  }

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    this.#assertOpen()
    // the caller names the shape of the rows; no compiler reads SQL
    return whileBusy(this.#maxWaitMs, () => this.#reader.all(strings, parts) as T[])
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    this.#assertOpen()
    // as above
    return whileBusy(this.#maxWaitMs, () => this.#reader.first(strings, parts) as T | null)
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.migration(work)
  }

  async migration<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    this.#assertOpen()
    if (this.#running.getStore()?.state.isOpen) throw new NestedTransactionError()
    if (!(await this.#turns.take(this.#maxWaitMs))) throw busy()
    try {
      await this.#shared.take(() => this.#beginOnceFree())
      return await this.#commit(work)
    } finally {
      this.#shared.leave()
      this.#turns.release()
    }
  }

  async ping(): Promise<void> {
    await this.first`select 1 as one from sqlite_schema limit 1`
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#turns.take(FOREVER_MS)
    this.#reader.close()
    this.#writer.close()
    await this.#cleanUp()
  }

  #beginOnceFree(): Promise<void> {
    return whileBusy(
      this.#maxWaitMs,
      () => this.#begin(),
      () => this.#shared.noteOther(),
    )
  }

  #begin(): void {
    // a rollback can fail too, on a broken disk; what it left must not become part of the next transaction
    if (this.#writer.inTransaction) this.#writer.script('rollback')
    this.#writer.script('begin immediate')
  }

  async #commit<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    const tx = new SqliteTransaction(this.#writer)
    try {
      const result = await this.#running.run(tx, work, tx)
      await tx.state.end()
      if (tx.state.failure) throw tx.state.failure.error
      this.#writer.script('commit')
      return result
    } catch (error) {
      await tx.state.end()
      this.#rollback()
      throw error
    }
  }

  #rollback(): void {
    try {
      if (this.#writer.inTransaction) this.#writer.script('rollback')
    } catch {
      // what made us roll back is the error to tell; `#begin` tries again
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new RegistryError('UNAVAILABLE', undefined, { message: 'the database is closed' })
  }
}

/** Tries again, with pauses for everybody else, while another connection holds a lock. */
async function whileBusy<T>(maxWaitMs: number, attempt: () => T, onBusy = () => {}): Promise<T> {
  const deadline = performance.now() + maxWaitMs
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() > deadline) throw error
    }
    onBusy()
    await Bun.sleep(RETRY_MS)
  }
}

function busy(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { message: 'the database is busy', retryAfterSeconds: 1 })
}
