import type { Actor } from '../core/actor.ts'
import type { LiveAccessToken } from './access-token.ts'
import type { TokenSubject } from './registry-tokens.ts'
import type { User } from './user.ts'

/** Somebody whose credentials were good, and by what they are known. */
export interface Account {
  readonly user: Pick<User, 'id' | 'name' | 'isAdmin' | 'version'>
  /** Set when an access token stood for the password. */
  readonly accessToken?: Pick<LiveAccessToken, 'id' | 'isReadOnly'>
}

/** The actor that acts by an account's live rights. */
export function actorOf({ user, accessToken }: Account): Actor {
  const actor: Actor = { kind: 'user', id: user.id, name: user.name, isAdmin: user.isAdmin }
  return accessToken?.isReadOnly ? { ...actor, readOnly: true } : actor
}

/** What a registry token says about an account; nobody's is a stranger's. */
export function tokenSubjectOf(account: Account | null): TokenSubject {
  if (!account) return { kind: 'anonymous', id: '', name: 'anonymous', version: 0 }
  const { user, accessToken } = account
  const subject: TokenSubject = { kind: 'user', id: user.id, name: user.name, version: user.version }
  return accessToken ? { ...subject, accessTokenId: accessToken.id } : subject
}
