import { SQL } from 'bun'
import { RegistryError } from '../core/errors.ts'

/** How many connections one process may hold, and how long the server may be silent. */
export interface PostgresOptions {
  /** Most connections; the server's own limit, 100 by default, is shared by all replicas. At least 3, default 10. */
  readonly maxConnections?: number
  /** A server that says nothing for so long is taken for gone, in milliseconds; default 10,000. */
  readonly maxSilenceMs?: number
}

/** How long a statement waits for a row that another transaction holds, in milliseconds. */
const LOCK_TIMEOUT_MS = 30_000
/** A process that stops in the middle must not keep its rows from everybody else, in milliseconds. */
const IDLE_IN_TRANSACTION_MS = 60_000
const CONNECT_TIMEOUT_SECONDS = 5
/** Networks forget quiet connections without a word; ours end before that. */
const IDLE_TIMEOUT_SECONDS = 120
/** After this long a connection makes room for a new one, which finds the server that is in charge by then. */
const MAX_LIFETIME_SECONDS = 1_800
const CLOSE_TIMEOUT_SECONDS = 30

/**
 * The connections of this process: readers that cannot write, writers, and one that feels the server's pulse.
 *
 * A machine that dies takes its connections with it without a word, and a statement would wait a quarter of an hour for
 * the answer. When the pulse stops, all connections are given up at once, and what was under way on them fails as lost.
 */
export class PostgresPools {
  readonly #url: string
  readonly #readerCount: number
  readonly #writerCount: number
  readonly #maxSilenceMs: number
  readonly #timer: Timer
  #pools: Pools

  constructor(url: string, options: PostgresOptions) {
    const connections = Math.max(3, options.maxConnections ?? 10) - 1
    this.#url = url
    this.#readerCount = Math.floor(connections * 0.4) || 1
    this.#writerCount = connections - this.#readerCount
    this.#maxSilenceMs = options.maxSilenceMs ?? 10_000
    this.#pools = this.#connect()
    this.#timer = setInterval(() => void this.pulse().catch(() => {}), this.#maxSilenceMs / 2)
    this.#timer.unref()
  }

  get readers(): SQL {
    return this.#pools.readers
  }

  get writers(): SQL {
    return this.#pools.writers
  }

  /** Resolves when the server answers. @throws RegistryError `UNAVAILABLE`, after giving all connections up */
  async pulse(): Promise<void> {
    const pools = this.#pools
    const silence = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      silence.reject(new RegistryError('UNAVAILABLE', undefined, { message: 'the database does not answer' }))
      this.#giveUp(pools)
    }, this.#maxSilenceMs / 2)
    try {
      await Promise.race([pools.pulse.unsafe('select 1'), silence.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Lets what is under way finish. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await closeAll(this.#pools, CLOSE_TIMEOUT_SECONDS)
  }

  #giveUp(silent: Pools): void {
    if (this.#pools !== silent) return
    this.#pools = this.#connect()
    void closeAll(silent, 0).catch(() => {})
  }

  #connect(): Pools {
    return {
      readers: pool(this.#url, this.#readerCount, { default_transaction_read_only: 'on' }),
      writers: pool(this.#url, this.#writerCount, {
        lock_timeout: String(LOCK_TIMEOUT_MS),
        idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
      }),
      pulse: pool(this.#url, 1, {}),
    }
  }
}

interface Pools {
  readonly readers: SQL
  readonly writers: SQL
  readonly pulse: SQL
}

function pool(url: string, max: number, parameters: Readonly<Record<string, string>>): SQL {
  return new SQL({
    url,
    max,
    // integers beyond 32 bits come as texts otherwise, and could not be told from texts
    bigint: true,
    connectionTimeout: CONNECT_TIMEOUT_SECONDS,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxLifetime: MAX_LIFETIME_SECONDS,
    connection: { application_name: 'seawall', ...parameters },
  })
}

async function closeAll({ readers, writers, pulse }: Pools, timeout: number): Promise<void> {
  await Promise.all([readers, writers, pulse].map((sql) => sql.close({ timeout })))
}
