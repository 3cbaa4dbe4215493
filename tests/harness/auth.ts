import { type Account, actorOf } from '../../src/auth/account.ts'
import { type Auth, type AuthOptions, createAuth } from '../../src/auth/auth.ts'
import type { GuardedRepository } from '../../src/auth/granted-rights.ts'
import { saveUser, type User } from '../../src/auth/user.ts'
import { findRepository, saveRepository } from '../../src/catalog/repositories.ts'
import type { Actor } from '../../src/core/actor.ts'
import { SILENT } from '../../src/core/log.ts'
import { DEFAULT_SETTINGS, type Visibility } from '../../src/core/repository.ts'
import type { Database } from '../../src/storage/database.ts'

export const ISSUER = 'https://registry.example'
export const SERVICE = 'registry.example'
export const ADDRESS = '192.0.2.7'

/** Access control on a database, with a clock that a test can set. */
export class TestAuth {
  readonly database: Database
  readonly auth: Auth
  /** How far the clock runs ahead, in milliseconds. */
  ahead = 0

  constructor(database: Database, options: Partial<AuthOptions> = {}) {
    this.database = database
    this.auth = createAuth({
      database,
      tokens: { issuer: ISSUER, service: SERVICE, lifetimeSeconds: 300 },
      createOnPush: 'users',
      findRepository: (name) => findRepository(database, name),
      now: () => this.now(),
      log: SILENT,
      ...options,
    })
  }

  now(): number {
    return Date.now() + this.ahead
  }

  async user(name: string, made: { password?: string; isAdmin?: boolean; mayCreate?: boolean } = {}): Promise<User> {
    const { password, isAdmin = false, mayCreate = true } = made
    const passwordHash = password === undefined ? null : await this.auth.passwords.hash(password)
    const user = await this.database.transaction((tx) =>
      saveUser(tx, { name, passwordHash, isAdmin, mayCreateRepositories: mayCreate }, this.now()),
    )
    if (!user) throw new Error(`there is a user ${name} already`)
    return user
  }

  account(user: User): Account {
    return { user }
  }

  actor(user: User): Actor {
    return actorOf({ user })
  }

  async repository(name: string, visibility: Visibility = 'private'): Promise<GuardedRepository> {
    const made = {
      name,
      class: 'local',
      format: 'oci',
      visibility,
      settings: DEFAULT_SETTINGS,
      createdBy: 'test',
    } as const
    const record = await this.database.transaction((tx) => saveRepository(tx, { ...made, createdAt: this.now() }))
    if (!record) throw new Error(`there is a repository ${name} already`)
    return record
  }
}
