import type { Clock } from '../../../core/clock.ts'
import { UpstreamError } from '../../../repositories/upstream-error.ts'
import { isObject } from '../json.ts'

/** A token, and until when it may be used, in milliseconds since 1970. */
export interface UpstreamToken {
  readonly token: string
  readonly until: number
}

/** What is meant where nothing is said (distribution, "Token authentication", "Token response fields"). */
const DEFAULT_SECONDS = 60

/** Kept no longer, whatever is said: rights are taken away in the meantime. */
const MOST_SECONDS = 3_600

/** Given up so long before its end, as a request is on its way for a while. */
const MARGIN_MS = 5_000

/** As it may stand in a header (RFC 6750, section 2.1), and what services send besides. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Reads the answer of a token service.
 *
 * @throws UpstreamError `broken`
 * @see distribution, "Token authentication specification"; "OAuth2 token authentication"
 */
export function parseTokenAnswer(bytes: Uint8Array, realm: URL, clock: Clock): UpstreamToken {
  const answer = jsonOf(bytes)
  const token = isObject(answer) ? answer.token || answer.access_token : undefined
  if (!isObject(answer) || typeof token !== 'string' || !TOKEN.test(token)) {
    throw new UpstreamError('broken', `the token service ${realm.host} answers without a token`, { status: 200 })
  }
  const now = clock()
  const seconds = secondsOf(answer.expires_in)
  const issued = typeof answer.issued_at === 'string' ? Date.parse(answer.issued_at) : Number.NaN
  // A service may hand out one token again and again; one whose clock is ahead gives no more time than it says.
  const since = Number.isNaN(issued) ? now : Math.min(issued, now)
  return { token, until: since + seconds * 1_000 - MARGIN_MS }
}

function secondsOf(value: unknown): number {
  const isGiven = typeof value === 'number' && Number.isFinite(value) && value > 0
  return isGiven ? Math.min(value, MOST_SECONDS) : DEFAULT_SECONDS
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}
