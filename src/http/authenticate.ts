import { isAccessToken } from '../auth/access-token.ts'
import { type Account, actorOf } from '../auth/account.ts'
import type { RegistryTokens } from '../auth/registry-tokens.ts'
import type { SignIn } from '../auth/sign-in.ts'
import { type Actor, ANONYMOUS } from '../core/actor.ts'
import type { RegistryError } from '../core/errors.ts'
import { type Credentials, parseCredentials } from './credentials.ts'

/** What checks credentials. */
export interface AuthenticationParts {
  readonly signIn: SignIn
  readonly tokens: RegistryTokens
}

/** Where a request comes from; read only when a password is checked. */
export interface Source {
  readonly clientAddress: string
}

/**
 * Who asks: a stranger without credentials, the actor of a registry token, or somebody with a password or a personal
 * access token, who acts by live rights.
 *
 * A registry token that was seen before is answered without a promise.
 *
 * @throws RegistryError `UNAUTHORIZED` for bad credentials, `TOOMANYREQUESTS` after too many of them
 */
export function authenticate(parts: AuthenticationParts, request: Request, source: Source): Actor | Promise<Actor> {
  const credentials = parseCredentials(request.headers.get('authorization'))
  if (!credentials) return ANONYMOUS
  if (credentials.scheme === 'bearer' && !isAccessToken(credentials.token))
    return parts.tokens.verify(credentials.token)
  return signInWith(parts.signIn, credentials, source).then(actorOf)
}

/**
 * Whose a request for a token is; null for a stranger. A registry token is none of these: with it a stolen one could be
 * exchanged for the next for ever.
 *
 * @throws RegistryError as `authenticate`
 */
export async function authenticateAccount(signIn: SignIn, request: Request, source: Source): Promise<Account | null> {
  const credentials = parseCredentials(request.headers.get('authorization'))
  return credentials && signInWith(signIn, credentials, source)
}

async function signInWith(signIn: SignIn, credentials: Credentials, { clientAddress }: Source): Promise<Account> {
  if (credentials.scheme === 'bearer') return signIn.withAccessToken(credentials.token)
  return signIn.withPassword(credentials.name, credentials.password, clientAddress)
}

/** Whether a failure came from a bearer token that is not (any more) good, as against wrong or missing credentials. */
export function isInvalidToken({ code, detail }: RegistryError): boolean {
  return code === 'UNAUTHORIZED' && typeof detail === 'object' && detail !== null && 'error' in detail
}
