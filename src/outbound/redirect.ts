import { OutboundError } from '../core/outbound.ts'

/** Most links that are followed for one question. */
export const MAX_REDIRECTS = 5

const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * Where an answer leads, or null when it leads nowhere.
 *
 * @throws OutboundError `unsafe` when it gives TLS up or leads to something else than HTTP
 */
export function redirectTarget(from: URL, response: Response): URL | null {
  const location = response.headers.get('location')
  if (!REDIRECTS.includes(response.status) || location === null) return null
  const next = URL.parse(location, from.href)
  if (next?.protocol === 'https:' || (next?.protocol === 'http:' && from.protocol === 'http:')) return next
  throw new OutboundError('unsafe', from.host, 'leads to an address that is not safe to follow')
}
