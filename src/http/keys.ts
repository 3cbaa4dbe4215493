import type { SigningKeys } from '../auth/signing-keys.ts'
import type { Handler } from './request-context.ts'

/** How long others may keep what they read, in seconds: a new key signs at once, so they look again for one they lack. */
const MAX_AGE_SECONDS = 300

/** Answers `/.well-known/jwks.json` (RFC 7517): what a token of ours can be verified with. */
export function createKeysHandler(keys: SigningKeys): Handler {
  return async () =>
    Response.json(await keys.publicKeys(), {
      headers: { 'content-type': 'application/jwk-set+json', 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` },
    })
}
