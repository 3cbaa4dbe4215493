import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import type { GuardedRepository } from './granted-rights.ts'
import { LastUse } from './last-use.ts'
import { Passwords } from './passwords.ts'
import { type CreateOnPush, Permissions } from './permissions.ts'
import { RegistryTokens, type TokenSettings } from './registry-tokens.ts'
import { Revocations } from './revocations.ts'
import { SignIn } from './sign-in.ts'
import { SigningKeys } from './signing-keys.ts'
import { TokenService } from './token-service.ts'

/** What access is decided by and with: the operator's settings, and the seams. */
export interface AuthOptions {
  readonly database: Database
  readonly tokens: TokenSettings
  readonly createOnPush: CreateOnPush
  /** Null for a repository that is not there. */
  readonly findRepository: (name: string) => Promise<GuardedRepository | null>
  readonly now: Clock
  readonly log: Log
}

/** Everything that knows who somebody is and what they may do, put together. */
export interface Auth {
  readonly passwords: Passwords
  readonly signIn: SignIn
  readonly tokens: RegistryTokens
  readonly keys: SigningKeys
  readonly permissions: Permissions
  readonly tokenService: TokenService
  /** `forget` it after a transaction that changed a user or revoked an access token. */
  readonly revocations: Revocations
  /** `flush` it when the program ends. */
  readonly lastUse: LastUse
}

export function createAuth(options: AuthOptions): Auth {
  const { database, now, log } = options
  const passwords = new Passwords()
  const revocations = new Revocations(database, options.tokens.lifetimeSeconds * 1000, now)
  const lastUse = new LastUse(database, now, log)
  const keys = new SigningKeys(database, now)
  const tokens = new RegistryTokens(options.tokens, keys, revocations, now)
  const permissions = new Permissions(database, options.createOnPush)
  return {
    passwords,
    signIn: new SignIn({ database, passwords, revocations, lastUse, now, log }),
    tokens,
    keys,
    permissions,
    tokenService: new TokenService(tokens, permissions, options.findRepository),
    revocations,
    lastUse,
  }
}
