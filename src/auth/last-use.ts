import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'

const FLUSH_MS = 60_000

/** Remembers when access tokens were used, and writes it down once a minute, outside every request. */
export class LastUse {
  readonly #database: Database
  readonly #now: Clock
  readonly #log: Log
  readonly #used = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(database: Database, now: Clock, log: Log) {
    this.#database = database
    this.#now = now
    this.#log = log
  }

  note(accessTokenId: string): void {
    this.#used.set(accessTokenId, this.#now())
    if (this.#timer) return
    this.#timer = setTimeout(() => {
      // lost uses are no reason to stop: the next use is noted again
      this.flush().catch((error: unknown) => this.#log.error('access token use not written', error))
    }, FLUSH_MS)
    this.#timer.unref()
  }

  /** Writes what is remembered; called once more when the program ends. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const used = [...this.#used]
    this.#used.clear()
    if (used.length === 0) return
    await this.#database.transaction(async (tx) => {
      for (const [id, at] of used) {
        await tx.run`
          update access_tokens set last_used_at = ${at}
          where id = ${id} and (last_used_at is null or last_used_at < ${at})`
      }
    })
  }
}
