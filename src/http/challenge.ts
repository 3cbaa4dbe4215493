/** What a `WWW-Authenticate` header asks for. */
export interface Challenge {
  /** The origin that the client uses; the token service is there. */
  readonly externalUrl: string
  /** The audience of the token. */
  readonly service: string
  /** What the token must grant: scopes with spaces between them; null when any token will do. */
  readonly scope: string | null
  /** Why the token that was sent is not enough (RFC 6750, section 3.1); null when none was sent. */
  readonly error: 'invalid_token' | 'insufficient_scope' | null
}

/** Where clients get tokens. */
export const TOKEN_PATH = '/token'

/** Words the challenge that begins every sign-in (distribution "token authentication"). */
export function challengeHeader({ externalUrl, service, scope, error }: Challenge): string {
  const parameters = { realm: `${externalUrl}${TOKEN_PATH}`, service, ...(scope && { scope }), ...(error && { error }) }
  return `Bearer ${Object.entries(parameters)
    .map(([name, value]) => `${name}="${quotable(value)}"`)
    .join(',')}`
}

/** Clients do not unescape, so what would need it is left out: a name that has it is refused anyway. */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}
