import type { Clock } from '../core/clock.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** How old this process's knowledge may be, in milliseconds. */
const MAX_AGE_MS = 1_000

/** How far the clocks of two replicas may differ, in milliseconds. */
const CLOCK_SKEW_MS = 60_000

/**
 * Makes tokens of a subject (a user or an access token) below a version count no more, in every process.
 *
 * Rows that are old enough for every such token to have expired are removed on the way.
 */
export async function revoke(tx: Transaction, subjectId: string, belowVersion: number, now: number): Promise<void> {
  await tx.run`
    insert into revocations (subject_id, below_version, revoked_at) values (${subjectId}, ${belowVersion}, ${now})
    on conflict (subject_id) do update set below_version = excluded.below_version, revoked_at = excluded.revoked_at`
  await tx.run`delete from revocations where revoked_at < ${now - KEPT_MS}`
}

/** No registry token may live longer than this, in milliseconds: revocations are kept for so long, and a little more. */
export const MAX_TOKEN_LIFETIME_MS = 24 * 3_600_000

const KEPT_MS = MAX_TOKEN_LIFETIME_MS + 2 * CLOCK_SKEW_MS

/**
 * What was revoked lately, so that a signed token that is still valid can be refused without a question per request.
 *
 * A revocation acts within a second in every process: what is known is read anew when it is older than that.
 */
export class Revocations {
  readonly #reader: Reader
  readonly #windowMs: number
  readonly #now: Clock
  #belowVersion: ReadonlyMap<string, number> = new Map()
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | null = null
  #generation = 0

  /** @param lifetimeMs  how long a token lives: what was revoked longer ago has ended all tokens it could end */
  constructor(database: Reader, lifetimeMs: number, now: Clock) {
    this.#reader = database
    this.#windowMs = lifetimeMs + 2 * CLOCK_SKEW_MS
    this.#now = now
  }

  get isFresh(): boolean {
    return performance.now() - this.#readAt < MAX_AGE_MS
  }

  /** Resolves when what is known is fresh. @throws RegistryError `UNAVAILABLE` */
  refresh(): Promise<void> {
    if (this.#reading) return this.#reading
    const reading = this.#read().finally(() => {
      if (this.#reading === reading) this.#reading = null
    })
    this.#reading = reading
    return reading
  }

  /** Makes the next question read anew: something was revoked in this process. */
  forget(): void {
    this.#readAt = Number.NEGATIVE_INFINITY
    this.#reading = null
    this.#generation++
  }

  covers(subjectId: string, version: number): boolean {
    const below = this.#belowVersion.get(subjectId)
    return below !== undefined && version < below
  }

  async #read(): Promise<void> {
    const startedAt = performance.now()
    const generation = this.#generation
    const rows = await this.#reader.all<{ subject_id: string; below_version: number }>`
      select subject_id, below_version from revocations where revoked_at > ${this.#now() - this.#windowMs}`
    // what was asked before `forget` may lack what it is about
    if (generation !== this.#generation) return
    this.#belowVersion = new Map(rows.map((row) => [row.subject_id, row.below_version]))
    this.#readAt = startedAt
  }
}
