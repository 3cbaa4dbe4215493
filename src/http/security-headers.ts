/** What a browser may do with an answer of ours; a page that needs more says so itself. */
const DEFAULTS: readonly (readonly [string, string])[] = [
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
]

const ONE_YEAR = 'max-age=31536000'

/**
 * Adds what protects a browser.
 *
 * HTTPS is only made lasting when the operator named an https:// address: on a shared host such as localhost it would
 * lock people out of everything else there.
 */
export function addSecurityHeaders(headers: Headers, externalUrl: string | null): void {
  for (const [name, value] of DEFAULTS) if (!headers.has(name)) headers.set(name, value)
  if (externalUrl?.startsWith('https:')) headers.set('strict-transport-security', ONE_YEAR)
}
