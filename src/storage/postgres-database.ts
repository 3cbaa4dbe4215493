import { AsyncLocalStorage } from 'node:async_hooks'
import type { ReservedSQL, SQL } from 'bun'
import { RegistryError } from '../core/errors.ts'
import type { Row, SqlPart, Transaction } from './database.ts'
import type { MigratableDatabase, ScriptTransaction } from './migratable-database.ts'
import { type PostgresAnswer, query } from './postgres-connection.ts'
import { isConflict, isLost, postgresFailure } from './postgres-failure.ts'
import { type PostgresOptions, PostgresPools } from './postgres-pools.ts'
import { beforeCommit, retried, TryAgain } from './postgres-retry.ts'
import { PostgresTransaction } from './postgres-transaction.ts'
import { NestedTransactionError } from './transaction-state.ts'

/** How long a transaction waits for a connection, in milliseconds. */
const MAX_WAIT_MS = 30_000
const OLDEST_VERSION = 150_000

const BEGIN = 'begin isolation level read committed read write'
/** Any number will do, as long as every version of the program has the same. */
const MIGRATION_LOCK = 'set local lock_timeout = 0; select pg_advisory_xact_lock(739251846203)'

/**
 * The database on a server, shared by many processes.
 *
 * Reads have connections of their own, which cannot write and on which many reads are under way at once; so they never
 * wait for a transaction to give its connection back.
 */
export class PostgresDatabase implements MigratableDatabase {
  readonly engine = 'postgres'
  readonly #pools: PostgresPools
  /** The transaction whose work is running, to notice one inside it. */
  readonly #running = new AsyncLocalStorage<PostgresTransaction>()
  #closed = false

  private constructor(pools: PostgresPools) {
    this.#pools = pools
  }

  /**
   * @param url  `postgres://user:password@host:port/database`
   * @throws RegistryError `UNAVAILABLE` when the server cannot be reached
   * @throws TypeError when the server is too old or the database has another encoding than UTF-8
   */
  static async open(url: string, options: PostgresOptions = {}): Promise<PostgresDatabase> {
    const db = new PostgresDatabase(new PostgresPools(url, options))
    try {
      await db.ping()
      await db.#checkServer()
      return db
    } catch (error) {
      await db.close()
      throw error
    }
  }

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    // the caller names the shape of the rows; no compiler reads SQL
    return (await this.#read(strings, parts)).rows as T[]
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    // as above
    return ((await this.#read(strings, parts)).rows[0] ?? null) as T | null
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transaction(BEGIN, work)
  }

  migration<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    return this.#transaction(`${BEGIN}; ${MIGRATION_LOCK}`, work)
  }

  async ping(): Promise<void> {
    this.#assertOpen()
    await retried(() => this.#pools.pulse().catch(failBeforeCommit))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#pools.close()
  }

  async #read(strings: TemplateStringsArray, parts: readonly SqlPart[]): Promise<PostgresAnswer> {
    this.#assertOpen()
    return retried(() => query(this.#pools.readers, strings, parts).catch(failBeforeCommit))
  }

  async #transaction<T>(begin: string, work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    this.#assertOpen()
    if (this.#running.getStore()?.state.isOpen) throw new NestedTransactionError()
    return retried(() => this.#attempt(begin, work))
  }

  async #attempt<T>(begin: string, work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    const connection = await reserve(this.#pools.writers)
    try {
      await connection.unsafe(begin).catch((error) => {
        throw isLost(error) ? new TryAgain(error) : unavailable(error)
      })
      const result = await this.#run(connection, work)
      await commit(connection)
      return result
    } catch (error) {
      await rollback(connection)
      throw error
    } finally {
      await connection.release()
    }
  }

  async #run<T>(connection: ReservedSQL, work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    const tx = new PostgresTransaction(connection)
    try {
      const result = await this.#running.run(tx, work, tx)
      await tx.state.end()
      if (tx.state.failure) throw tx.state.failure.error
      return result
    } catch (error) {
      await tx.state.end()
      throw tx.state.failure ? again(tx.state.failure.error, error) : error
    }
  }

  async #checkServer(): Promise<void> {
    const server = await this.first<{ version: string; encoding: string }>`
      select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`
    if (Number(server?.version) < OLDEST_VERSION) {
      throw new TypeError(`the database server is older than ${OLDEST_VERSION / 10_000}: ${server?.version}`)
    }
    if (server?.encoding !== 'UTF8') {
      throw new TypeError(`the database has the encoding ${server?.encoding}; make one with encoding 'UTF8'`)
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new RegistryError('UNAVAILABLE', undefined, { message: 'the database is closed' })
  }
}

function failBeforeCommit(error: unknown): never {
  throw beforeCommit(error)
}

/** Waits for a connection of our own, but not for ever. */
async function reserve(sql: SQL): Promise<ReservedSQL> {
  const reserved = sql.reserve()
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no connection became free'))), MAX_WAIT_MS)
  })
  try {
    return await Promise.race([reserved, late])
  } catch (error) {
    reserved.then(
      (connection) => connection.release(),
      () => {},
    )
    throw beforeCommit(error)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * When the connection is lost here nobody knows whether it was committed, so this is never tried again.
 */
async function commit(connection: ReservedSQL): Promise<void> {
  const answer = await connection.unsafe('commit').catch((error) => {
    throw isConflict(error) ? new TryAgain(error) : postgresFailure(error)
  })
  if (answer.command !== 'COMMIT') throw unavailable(new Error(`commit was answered with ${answer.command}`))
}

/** Leaves nothing open: a connection that cannot be cleaned is given up, or the next transaction would join this one. */
async function rollback(connection: ReservedSQL): Promise<void> {
  try {
    await connection.unsafe('rollback')
  } catch {
    await connection.close().catch(() => {})
  }
}

/** The statement's failure decides about another attempt, whatever the work made of it. */
function again(failure: unknown, thrown: unknown): unknown {
  const next = beforeCommit(failure)
  return next instanceof TryAgain ? next : thrown
}

function unavailable(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { cause, retryAfterSeconds: 1 })
}
