import type { Reader, Transaction } from '../storage/database.ts'
import { findLiveAccessTokenById } from './access-token.ts'
import type { Account } from './account.ts'
import { hashSecret, isSecret, makeSecret } from './secret-token.ts'

/** How long a client may keep it in place of a password, in milliseconds. */
const LIFETIME_MS = 90 * 24 * 3_600_000

/** Clients that sign in again and again leave the old ones behind: only so many of a user are kept. */
const MAX_PER_USER = 100

/** Makes a refresh token; it ends with the password or the access token that it was obtained with. */
export async function saveRefreshToken(
  tx: Transaction,
  account: Account,
  clientId: string,
  now: number,
): Promise<string> {
  const secret = makeSecret('swr')
  const { user, accessToken } = account
  const client = clientId.replace(/[^\x20-\x7e]/g, '').slice(0, 100)
  await tx.run`delete from refresh_tokens where expires_at <= ${now}`
  await tx.run`
    insert into refresh_tokens (id, user_id, access_token_id, user_version, client_id, secret_hash, created_at, expires_at)
    values (${Bun.randomUUIDv7()}, ${user.id}, ${accessToken?.id ?? null}, ${user.version}, ${client},
            ${hashSecret(secret)}, ${now}, ${now + LIFETIME_MS})`
  await tx.run`
    delete from refresh_tokens where user_id = ${user.id} and id not in (
      select id from refresh_tokens where user_id = ${user.id} order by id desc limit ${MAX_PER_USER})`
  return secret
}

export function isRefreshToken(text: string): boolean {
  return isSecret('swr', text)
}

/** Whose a refresh token is; null when it is unknown or expired, or what it was obtained with counts no more. */
export async function findLiveRefreshToken(reader: Reader, secret: string, now: number): Promise<Account | null> {
  const row = await reader.first<{
    access_token_id: string | null
    user_version: number
    id: string
    name: string
    is_admin: number
    version: number
  }>`
    select access_token_id, user_version, users.id, users.name, is_admin, version
    from refresh_tokens join users on users.id = refresh_tokens.user_id
    where secret_hash = ${hashSecret(secret)} and expires_at > ${now} and is_disabled = 0`
  if (!row) return null
  if (row.access_token_id !== null) {
    const accessToken = await findLiveAccessTokenById(reader, row.access_token_id, now)
    return accessToken && { user: accessToken.user, accessToken }
  }
  if (row.version !== row.user_version) return null
  return { user: { id: row.id, name: row.name, isAdmin: row.is_admin === 1, version: row.version } }
}

/** Ends a refresh token, as a sign-out does; one that is not there is no failure. */
export async function removeRefreshToken(tx: Transaction, secret: string): Promise<void> {
  await tx.run`delete from refresh_tokens where secret_hash = ${hashSecret(secret)}`
}
