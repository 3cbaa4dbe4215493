import { RegistryError } from '../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import { revoke } from './revocations.ts'
import { hashSecret, isSecret, makeSecret } from './secret-token.ts'
import type { User } from './user.ts'

/** What a personal access token may be narrowed to; without any it has all of its owner's rights. */
export const ACCESS_TOKEN_SCOPES = ['read'] as const
export type AccessTokenScope = (typeof ACCESS_TOKEN_SCOPES)[number]

/** A password that a program uses in place of its owner's, as it is shown: the secret itself is not kept. */
export interface AccessToken {
  readonly id: string
  readonly userId: string
  readonly name: string
  /** The first characters of the secret, to find it again where it is used. */
  readonly prefix: string
  readonly scopes: readonly AccessTokenScope[]
  readonly createdAt: number
  readonly expiresAt: number | null
  /** At most a minute behind. */
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
}

interface AccessTokenRow {
  id: string
  user_id: string
  name: string
  prefix: string
  scopes: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
}

/** An access token that is about to be made. */
export interface NewAccessToken {
  readonly userId: string
  readonly name: string
  readonly scopes: readonly AccessTokenScope[]
  /** Milliseconds since 1970; null for one that does not expire. */
  readonly expiresAt: number | null
}

const PREFIX_LENGTH = 8
const MAX_NAME_LENGTH = 100

/** Makes an access token. The secret is shown this once. @throws RegistryError `INVALID` */
export async function saveAccessToken(
  tx: Transaction,
  made: NewAccessToken,
  now: number,
): Promise<{ token: AccessToken; secret: string }> {
  checkNew(made, now)
  const secret = makeSecret('swp')
  const token: AccessToken = {
    ...made,
    id: Bun.randomUUIDv7(),
    prefix: secret.slice(0, PREFIX_LENGTH),
    createdAt: now,
    lastUsedAt: null,
    revokedAt: null,
  }
  await tx.run`
    insert into access_tokens (id, user_id, name, prefix, secret_hash, scopes, created_at, expires_at)
    values (${token.id}, ${token.userId}, ${token.name}, ${token.prefix}, ${hashSecret(secret)},
            ${token.scopes.join(' ')}, ${now}, ${token.expiresAt})`
  return { token, secret }
}

/** A user's access tokens, oldest first, revoked and expired ones too. */
export async function listAccessTokens(reader: Reader, userId: string, page: PageRequest): Promise<Page<AccessToken>> {
  const rows = await reader.all<AccessTokenRow>`
    select id, user_id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at
    from access_tokens where user_id = ${userId} and id > ${page.after ?? ''} order by id limit ${page.limit + 1}`
  return pageOf(rows.map(accessTokenOf), page.limit, (token) => token.id)
}

/** Ends an access token, and what was obtained with it; answers false when the user has none of that id that lives. */
export async function revokeAccessToken(tx: Transaction, userId: string, id: string, now: number): Promise<boolean> {
  const changed = await tx.run`
    update access_tokens set revoked_at = ${now} where id = ${id} and user_id = ${userId} and revoked_at is null`
  if (changed === 0) return false
  await tx.run`delete from refresh_tokens where access_token_id = ${id}`
  await revoke(tx, id, 1, now)
  return true
}

/** An access token that counts, and whose it is. */
export interface LiveAccessToken {
  readonly id: string
  readonly isReadOnly: boolean
  readonly user: Pick<User, 'id' | 'name' | 'isAdmin' | 'version'>
  readonly expiresAt: number | null
}

export function isAccessToken(text: string): boolean {
  return isSecret('swp', text)
}

/** The access token behind a secret; null when it is unknown, expired or revoked, or its owner is disabled. */
export function findLiveAccessToken(reader: Reader, secret: string, now: number): Promise<LiveAccessToken | null> {
  return liveOf(
    reader.first<LiveRow>`
      select access_tokens.id, scopes, expires_at, user_id, users.name, is_admin, version
      from access_tokens join users on users.id = access_tokens.user_id
      where secret_hash = ${hashSecret(secret)} and revoked_at is null and is_disabled = 0
        and (expires_at is null or expires_at > ${now})`,
  )
}

/** The same by id, for what was obtained with an access token. */
export function findLiveAccessTokenById(reader: Reader, id: string, now: number): Promise<LiveAccessToken | null> {
  return liveOf(
    reader.first<LiveRow>`
      select access_tokens.id, scopes, expires_at, user_id, users.name, is_admin, version
      from access_tokens join users on users.id = access_tokens.user_id
      where access_tokens.id = ${id} and revoked_at is null and is_disabled = 0
        and (expires_at is null or expires_at > ${now})`,
  )
}

interface LiveRow {
  id: string
  scopes: string
  expires_at: number | null
  user_id: string
  name: string
  is_admin: number
  version: number
}

async function liveOf(asked: Promise<LiveRow | null>): Promise<LiveAccessToken | null> {
  const row = await asked
  return (
    row && {
      id: row.id,
      isReadOnly: parseScopes(row.scopes).includes('read'),
      user: { id: row.user_id, name: row.name, isAdmin: row.is_admin === 1, version: row.version },
      expiresAt: row.expires_at,
    }
  )
}

function checkNew(made: NewAccessToken, now: number): void {
  if (made.name === '' || made.name.length > MAX_NAME_LENGTH) {
    throw new RegistryError('INVALID', undefined, { message: `a token's name has 1 to ${MAX_NAME_LENGTH} characters` })
  }
  if (made.expiresAt !== null && made.expiresAt <= now) {
    throw new RegistryError('INVALID', undefined, { message: 'a token cannot expire in the past' })
  }
}

function accessTokenOf(row: AccessTokenRow): AccessToken {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    prefix: row.prefix,
    scopes: parseScopes(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  }
}

function parseScopes(text: string): AccessTokenScope[] {
  return ACCESS_TOKEN_SCOPES.filter((scope) => text.split(' ').includes(scope))
}
