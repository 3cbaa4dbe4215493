import { OutboundError, type OutboundFailure } from '../core/outbound.ts'

/** The runtime's words for what goes wrong, the first that fits; most are codes of the system or of OpenSSL. */
const KINDS: readonly (readonly [RegExp, OutboundFailure])[] = [
  [/TooLarge/i, 'too-large'],
  [/CERT|SIGNED|TLS|SSL|EPROTO|CRL/, 'tls'],
  [/PROXY|REFUSED|UNREACH|HOSTDOWN|NETDOWN|ADDRNOTAVAIL|FailedToOpenSocket|ConnectionRefused/, 'unreachable'],
  [/ETIMEDOUT|Timeout/, 'timeout'],
  [/RESET|EPIPE|Closed|Aborted/i, 'cut-off'],
]

/** Words what the runtime's HTTP client threw; what is worded already, or was the caller's wish, stays. */
export function exchangeFailure(error: unknown, host: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof OutboundError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'malformed'
  return new OutboundError(kind, host, MESSAGES[kind](code), { cause: error })
}

const MESSAGES: Record<OutboundFailure, (code: string) => string> = {
  unsafe: () => 'is not asked',
  resting: () => 'is left alone',
  unreachable: (code) => `takes no connection (${code})`,
  tls: (code) => `its TLS is not to be trusted (${code})`,
  timeout: () => 'does not answer in time',
  malformed: (code) => `answers something that is no HTTP (${code})`,
  'too-large': () => 'answers more than is read',
  'cut-off': () => 'the connection broke off',
}
