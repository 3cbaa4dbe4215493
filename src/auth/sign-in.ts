import type { Clock } from '../core/clock.ts'
import { RegistryError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { findLiveAccessToken, isAccessToken } from './access-token.ts'
import type { Account } from './account.ts'
import type { LastUse } from './last-use.ts'
import type { PasswordCheck, Passwords } from './passwords.ts'
import { findLiveRefreshToken, isRefreshToken, saveRefreshToken } from './refresh-token.ts'
import type { Revocations } from './revocations.ts'
import { networkOf, SignInThrottle } from './sign-in-throttle.ts'
import { findUserByName, isUserName, type User } from './user.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** How long good credentials are remembered, in milliseconds: a client with basic authentication sends them every time. */
const REMEMBERED_MS = 60_000
const REMEMBERED_CHARACTERS = 64 * 10_000

/** Checks credentials. */
export class SignIn {
  readonly #database: Database
  readonly #passwords: Passwords
  readonly #revocations: Revocations
  readonly #lastUse: LastUse
  readonly #now: Clock
  readonly #log: Log
  readonly #throttle: SignInThrottle
  readonly #remembered = new VerifiedTokens<Account>(REMEMBERED_CHARACTERS)
  /** What is remembered of a password is a hash that is worth nothing outside this process. */
  readonly #key = crypto.getRandomValues(new Uint8Array(32))

  constructor(parts: {
    database: Database
    passwords: Passwords
    revocations: Revocations
    lastUse: LastUse
    now: Clock
    log: Log
  }) {
    this.#database = parts.database
    this.#passwords = parts.passwords
    this.#revocations = parts.revocations
    this.#lastUse = parts.lastUse
    this.#now = parts.now
    this.#log = parts.log
    this.#throttle = new SignInThrottle(parts.database, parts.now)
  }

  /**
   * Checks a name with a password, or with an access token in its place: then the name may be any that is nobody
   * else's.
   *
   * @param address  where the request comes from, for counting failures
   * @throws RegistryError `UNAUTHORIZED`, `TOOMANYREQUESTS`
   */
  async withPassword(name: string, password: string, address: string): Promise<Account> {
    if (isAccessToken(password)) return this.#withNamedAccessToken(name, password)
    const key = new Bun.CryptoHasher('sha256', this.#key).update(JSON.stringify([name, password])).digest('hex')
    return (await this.#recall(key)) ?? this.#checkPassword(name, password, address, key)
  }

  /**
   * Checks the password of somebody who is signed in already. No access token stands for it here, and failures count,
   * apart from those of signing in: a token that was stolen must not serve to guess it.
   *
   * @throws RegistryError `TOOMANYREQUESTS`
   */
  async isPasswordOf(name: string, password: string): Promise<boolean> {
    return (await this.#passwords.inTurn((check) => this.#try(name, password, CONFIRMATION, check))) !== null
  }

  /** @throws RegistryError `UNAUTHORIZED` */
  async withAccessToken(secret: string): Promise<Account> {
    const token = isAccessToken(secret) ? await findLiveAccessToken(this.#database, secret, this.#now()) : null
    if (!token) throw new RegistryError('UNAUTHORIZED', { error: 'invalid_token' }, { message: NOT_VALID })
    this.#lastUse.note(token.id)
    return { user: token.user, accessToken: token }
  }

  /** @throws RegistryError `UNAUTHORIZED` */
  async withRefreshToken(secret: string): Promise<Account> {
    const account = isRefreshToken(secret) ? await findLiveRefreshToken(this.#database, secret, this.#now()) : null
    if (!account) throw new RegistryError('UNAUTHORIZED', { error: 'invalid_token' }, { message: NOT_VALID })
    if (account.accessToken) this.#lastUse.note(account.accessToken.id)
    return account
  }

  /** What a client may keep in place of the credentials; see `saveRefreshToken`. */
  makeRefreshToken(account: Account, clientId: string): Promise<string> {
    return this.#database.transaction((tx) => saveRefreshToken(tx, account, clientId, this.#now()))
  }

  async #withNamedAccessToken(name: string, secret: string): Promise<Account> {
    const account = await this.withAccessToken(secret)
    const isOthers = name !== account.user.name && isUserName(name) && (await findUserByName(this.#database, name))
    if (isOthers) throw wrongCredentials()
    return account
  }

  async #recall(key: string): Promise<Account | null> {
    const account = this.#remembered.find(key, this.#now())
    if (!account) return null
    if (!this.#revocations.isFresh) await this.#revocations.refresh()
    if (!this.#revocations.covers(account.user.id, account.user.version)) return account
    this.#remembered.forget(key)
    return null
  }

  async #checkPassword(name: string, password: string, address: string, key: string): Promise<Account> {
    const turn = (check: PasswordCheck) => this.#try(name, password, address, check)
    const user = await this.#passwords.inTurn(turn, networkOf(address))
    if (!user) {
      this.#log.warn('sign-in refused', { address })
      throw wrongCredentials()
    }
    const account: Account = { user: { id: user.id, name: user.name, isAdmin: user.isAdmin, version: user.version } }
    this.#remembered.remember(key, { value: account, expiresAt: this.#now() + REMEMBERED_MS })
    return account
  }

  /** Failures are asked for and counted within the turn: else all who wait for theirs would still be let through. */
  async #try(name: string, password: string, address: string, check: PasswordCheck): Promise<User | null> {
    await this.#throttle.check(name, address)
    const user = isUserName(name) ? await findUserByName(this.#database, name) : null
    const isMatch = await check(password, user?.passwordHash ?? null)
    if (user && isMatch && !user.isDisabled) {
      await this.#throttle.noteSuccess(name, address)
      return user
    }
    await this.#throttle.noteFailure(name, address)
    return null
  }
}

/** Stands where failures of signing in have an address. */
const CONFIRMATION = 'confirmation'

const NOT_VALID = 'the token is not valid, has expired or was revoked'

function wrongCredentials(): RegistryError {
  return new RegistryError('UNAUTHORIZED', undefined, { message: 'incorrect user name or password' })
}
