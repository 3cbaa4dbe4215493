import { RegistryError } from '../core/errors.ts'

/** What an `Authorization` header shows. */
export type Credentials =
  | { readonly scheme: 'basic'; readonly name: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }

/**
 * Reads an `Authorization` header (RFC 7617 and RFC 6750, section 2.1); null for none.
 *
 * @throws RegistryError `UNAUTHORIZED` for anything that is neither, and for one that is cut
 */
export function parseCredentials(header: string | null): Credentials | null {
  if (header === null) return null
  // the hot path: what every client sends with every request
  if (header.startsWith('Bearer ')) return bearer(header.slice('Bearer '.length))
  const scheme = header.split(' ', 1)[0] ?? ''
  const rest = header.slice(scheme.length).trim()
  if (scheme.toLowerCase() === 'bearer') return bearer(rest)
  if (scheme.toLowerCase() === 'basic') return basic(rest)
  throw new RegistryError('UNAUTHORIZED', undefined, { message: 'use Basic or Bearer credentials' })
}

function bearer(token: string): Credentials {
  if (token !== '') return { scheme: 'bearer', token }
  throw new RegistryError('UNAUTHORIZED', { error: 'invalid_token' }, { message: 'there is no token' })
}

function basic(text: string): Credentials {
  const decoded = BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : ''
  const colon = decoded.indexOf(':')
  if (colon < 0) throw new RegistryError('UNAUTHORIZED', undefined, { message: 'the Basic credentials are cut' })
  return { scheme: 'basic', name: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

/** The runtime's decoder passes over what is not of the alphabet. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
