import type { Clock } from '../../../core/clock.ts'

/** Longer than a day is a mistake of the sender's. */
const MOST_MS = 86_400_000

/** Reads `Retry-After`, seconds or a date, as milliseconds from now (RFC 9110, section 10.2.3); null when it says nothing. */
export function parseRetryAfter(header: string | null, clock: Clock): number | null {
  const text = header?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, MOST_MS)
  // A date has a day's name in all its forms; the runtime would also read "2" or "-5".
  const date = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? null : Math.min(Math.max(date - clock(), 0), MOST_MS)
}
