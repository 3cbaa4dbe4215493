import type { JSONWebKeySet } from 'jose'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../storage/database.ts'
import { MAX_TOKEN_LIFETIME_MS } from './revocations.ts'
import { listSigningKeys, makeSigningKey, type SigningKey, saveSigningKey } from './signing-key.ts'

/** How long a process may sign with a key that another one has retired, in milliseconds. */
const MAX_AGE_MS = 60_000

/** An unknown key id makes us look again, but a flood of invented ones only this often, in milliseconds. */
const LOOK_AGAIN_MS = 1_000

/** A retired key verifies until everything it can have signed has expired. */
const RETIRED_USE_MS = MAX_TOKEN_LIFETIME_MS + 2 * MAX_AGE_MS

/** The keys that sign and verify registry tokens, the same in every process: they are rows. */
export class SigningKeys {
  readonly #database: Database
  readonly #now: Clock
  #keys: readonly SigningKey[] = []
  #readAt = Number.NEGATIVE_INFINITY
  #lookedAgainAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | null = null

  constructor(database: Database, now: Clock) {
    this.#database = database
    this.#now = now
  }

  /** The key to sign with; made now when there is none yet. */
  async current(): Promise<SigningKey> {
    await this.#refresh(MAX_AGE_MS)
    const current = this.#current()
    if (current) return current
    await this.#makeFirst()
    await this.#refresh(0)
    const made = this.#current()
    if (!made) throw new Error('a signing key was saved and is not there')
    return made
  }

  /** The key of that id, or null; a key that another process has just made is found too. */
  async find(kid: string): Promise<SigningKey | null> {
    await this.#refresh(MAX_AGE_MS)
    return this.#known(kid) ?? (await this.#lookAgain(kid))
  }

  /** The public halves (RFC 7517), newest first. */
  async publicKeys(): Promise<JSONWebKeySet> {
    await this.current()
    return { keys: this.#keys.map((key) => key.publicJwk) }
  }

  /** Lets a new key sign from now on; the old ones verify until what they signed has expired, and then go. */
  async rotate(): Promise<void> {
    const key = await makeSigningKey()
    const now = this.#now()
    await this.#database.transaction(async (tx) => {
      await tx.run`update signing_keys set retired_at = ${now} where retired_at is null`
      await tx.run`delete from signing_keys where retired_at < ${now - RETIRED_USE_MS}`
      await saveSigningKey(tx, key, now)
    })
    await this.#refresh(0)
  }

  #known(kid: string): SigningKey | null {
    return this.#keys.find((key) => key.kid === kid) ?? null
  }

  async #lookAgain(kid: string): Promise<SigningKey | null> {
    const now = performance.now()
    if (now - this.#lookedAgainAt < LOOK_AGAIN_MS) return null
    this.#lookedAgainAt = now
    await this.#refresh(0)
    return this.#known(kid)
  }

  #current(): SigningKey | undefined {
    return this.#keys.find((key) => key.retiredAt === null)
  }

  /** Another process may be first at the same moment: then its key is the one. */
  async #makeFirst(): Promise<void> {
    const key = await makeSigningKey()
    await this.#database.transaction((tx) => saveSigningKey(tx, key, this.#now()))
  }

  /** Reads the keys anew when what is known is older than `maxAgeMs`. */
  async #refresh(maxAgeMs: number): Promise<void> {
    if (performance.now() - this.#readAt < maxAgeMs) return
    if (maxAgeMs === 0) await this.#reading
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null
    })
    await this.#reading
  }

  async #read(): Promise<void> {
    const startedAt = performance.now()
    this.#keys = await listSigningKeys(this.#database, this.#now() - RETIRED_USE_MS)
    this.#readAt = startedAt
  }
}
