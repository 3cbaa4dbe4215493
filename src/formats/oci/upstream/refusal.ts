import type { Clock } from '../../../core/clock.ts'
import { type OutboundAnswer, OutboundError, type OutboundFailure } from '../../../core/outbound.ts'
import { UpstreamError, type UpstreamFailure } from '../../../repositories/upstream-error.ts'
import { isObject, type JsonObject } from '../json.ts'
import { parseRetryAfter } from './retry-after.ts'

const MOST_REFUSAL_BYTES = 64 * 1024
const MOST_WORDS = 300

/** Words an answer that is no success; its body is read, or given up where it is too long. */
export async function refusalOf(answer: OutboundAnswer, clock: Clock): Promise<UpstreamError> {
  const { status, url } = answer
  const errors = await errorsIn(answer)
  const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'), clock)
  const kind = errors.some(({ code }) => code === 'TOOMANYREQUESTS') ? 'rate-limited' : kindOf(status)
  const said = wordsOf(errors)
  return new UpstreamError(kind, `${url.host} answers ${status}${said && `: ${said}`}`, { status, retryAfterMs })
}

function kindOf(status: number): UpstreamFailure {
  if (status === 401 || status === 403) return 'denied'
  if (status === 404 || status === 410) return 'missing'
  if (status === 408) return 'timeout'
  if (status === 429) return 'rate-limited'
  return status >= 500 ? 'unreachable' : 'broken'
}

async function errorsIn(answer: OutboundAnswer): Promise<JsonObject[]> {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await answer.bytes(MOST_REFUSAL_BYTES)))
    const errors = isObject(json) && Array.isArray(json.errors) ? json.errors : []
    return errors.filter(isObject)
  } catch {
    return [] // a page, nothing, or too much: the status says enough
  }
}

/** A stranger's words end up in logs and on terminals: one line of plain characters, not too many. */
function wordsOf(errors: readonly JsonObject[]): string {
  const words = errors.slice(0, 5).map(({ code, message }) => (typeof message === 'string' && message) || code)
  const line = words.filter((word) => typeof word === 'string').join('; ')
  return line.replaceAll(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ').slice(0, MOST_WORDS)
}

const KINDS: Record<OutboundFailure, UpstreamFailure> = {
  unsafe: 'unsafe',
  unreachable: 'unreachable',
  resting: 'unreachable',
  tls: 'unreachable',
  timeout: 'timeout',
  malformed: 'broken',
  'too-large': 'broken',
  'cut-off': 'broken',
}

/** Words a failed exchange; what is no such thing, as a caller's own reason, stays. */
export function upstreamFailure(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error
  return new UpstreamError(KINDS[error.kind], error.message, { cause: error })
}
