import { RegistryError } from '../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import { revoke } from './revocations.ts'

/** Somebody who signs in. */
export interface User {
  readonly id: string
  readonly name: string
  readonly isAdmin: boolean
  readonly isDisabled: boolean
  /** Whether a first push may make a repository, where the settings let users do so at all. */
  readonly mayCreateRepositories: boolean
  /** Rises with every change after which earlier tokens and remembered passwords must not count. */
  readonly version: number
  readonly createdAt: number
}

/** A user with what the password is checked against; never leaves this room. */
export interface UserWithPassword extends User {
  /** Null for somebody who has no password: every attempt fails. */
  readonly passwordHash: string | null
}

/** What an administrator decides about a user. */
export type UserChange = Partial<Pick<User, 'isAdmin' | 'isDisabled' | 'mayCreateRepositories'>>

/** The columns of `users`; a flag is 0 or 1. */
interface UserRow {
  id: string
  name: string
  password_hash: string | null
  is_admin: number
  is_disabled: number
  may_create_repositories: number
  version: number
  created_at: number
}

/** No colon, which ends the name in basic authentication, and nothing that would have to be quoted. */
const NAME = /^[a-z0-9][a-z0-9._@+-]{0,99}$/

export function isUserName(text: string): boolean {
  return NAME.test(text)
}

/** @throws RegistryError `INVALID` */
function parseUserName(text: string): string {
  if (isUserName(text)) return text
  throw new RegistryError('INVALID', { name: text.slice(0, 100) }, { message: USER_NAME_RULE })
}

const USER_NAME_RULE = 'a user name has 1 to 100 of a-z 0-9 . _ @ + - and begins with a letter or a digit'

export async function findUserByName(reader: Reader, name: string): Promise<UserWithPassword | null> {
  const row = await reader.first<UserRow>`
    select id, name, password_hash, is_admin, is_disabled, may_create_repositories, version, created_at
    from users where name = ${name}`
  return row && userOf(row)
}

export async function findUser(reader: Reader, id: string): Promise<UserWithPassword | null> {
  const row = await reader.first<UserRow>`
    select id, name, password_hash, is_admin, is_disabled, may_create_repositories, version, created_at
    from users where id = ${id}`
  return row && userOf(row)
}

/** Users in order of their names, without their passwords. */
export async function listUsers(reader: Reader, page: PageRequest): Promise<Page<User>> {
  const rows = await reader.all<UserRow>`
    select id, name, null as password_hash, is_admin, is_disabled, may_create_repositories, version, created_at
    from users where name > ${page.after ?? ''} order by name limit ${page.limit + 1}`
  const users = rows.map(userOf).map(({ passwordHash: _, ...user }) => user)
  return pageOf(users, page.limit, (user) => user.name)
}

/** A user who is about to be made. */
export interface NewUser {
  readonly name: string
  /** From `Passwords.hash`; null for somebody without a password. */
  readonly passwordHash: string | null
  readonly isAdmin: boolean
  readonly mayCreateRepositories: boolean
}

/** Makes a user; answers null when the name is taken. @throws RegistryError `INVALID` for a bad name */
export async function saveUser(tx: Transaction, made: NewUser, now: number): Promise<User | null> {
  const row = await tx.first<UserRow>`
    insert into users (id, name, password_hash, is_admin, is_disabled, may_create_repositories, version, created_at)
    values (${Bun.randomUUIDv7()}, ${parseUserName(made.name)}, ${made.passwordHash}, ${Number(made.isAdmin)}, 0,
            ${Number(made.mayCreateRepositories)}, 1, ${now})
    on conflict (name) do nothing
    returning id, name, null as password_hash, is_admin, is_disabled, may_create_repositories, version, created_at`
  if (!row) return null
  const { passwordHash: _, ...user } = userOf(row)
  return user
}

/**
 * Changes a user; tokens and remembered passwords from before count no more.
 *
 * @throws RegistryError `NOT_FOUND`
 */
export async function changeUser(tx: Transaction, id: string, change: UserChange, now: number): Promise<User> {
  const version = await raiseVersion(tx, id, now)
  const before = await findUser(tx, id)
  if (!before) throw new RegistryError('NOT_FOUND', { user: id })
  const { passwordHash: _, ...user } = { ...before, ...change, version }
  await tx.run`
    update users set is_admin = ${Number(user.isAdmin)}, is_disabled = ${Number(user.isDisabled)},
      may_create_repositories = ${Number(user.mayCreateRepositories)}
    where id = ${id}`
  return user
}

/** Sets a password, or none, and ends every session there is. @throws RegistryError `NOT_FOUND` */
export async function savePassword(tx: Transaction, id: string, hash: string | null, now: number): Promise<void> {
  await raiseVersion(tx, id, now)
  await tx.run`update users set password_hash = ${hash} where id = ${id}`
}

/** Removes a user with everything that is only theirs; answers false when there was none. */
export async function removeUser(tx: Transaction, id: string, now: number): Promise<boolean> {
  if ((await tx.run`delete from users where id = ${id}`) === 0) return false
  await tx.run`delete from grants where subject_kind = 'user' and subject_id = ${id}`
  await revoke(tx, id, Number.MAX_SAFE_INTEGER, now)
  return true
}

/** The update comes first, so that the row is ours until the transaction ends. */
async function raiseVersion(tx: Transaction, id: string, now: number): Promise<number> {
  const row = await tx.first<{ version: number }>`
    update users set version = version + 1 where id = ${id} returning version`
  if (!row) throw new RegistryError('NOT_FOUND', { user: id })
  await tx.run`delete from refresh_tokens where user_id = ${id} and access_token_id is null`
  await revoke(tx, id, row.version, now)
  return row.version
}

function userOf(row: UserRow): UserWithPassword {
  return {
    id: row.id,
    name: row.name,
    passwordHash: row.password_hash,
    isAdmin: row.is_admin === 1,
    isDisabled: row.is_disabled === 1,
    mayCreateRepositories: row.may_create_repositories === 1,
    version: row.version,
    createdAt: row.created_at,
  }
}
