/**
 * Why an exchange with a host that is not ours came to nothing.
 *
 * `unsafe` is an address or a redirect that we do not follow, `resting` a host that failed so often that it is left
 * alone for a while, `cut-off` a connection that broke, `malformed` an answer that is no HTTP.
 */
export type OutboundFailure =
  | 'unsafe'
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'malformed'
  | 'too-large'
  | 'cut-off'
  | 'resting'

/** An exchange that came to nothing. An answer of whatever status is none: it is an answer. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly kind: OutboundFailure
  /** The host that was asked, perhaps another one than at first: `registry.example.com:5000`. */
  readonly host: string

  constructor(kind: OutboundFailure, host: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(`${host}: ${message}`, options)
    this.kind = kind
    this.host = host
  }
}

/** How long an exchange may take. */
export interface Patience {
  /** Until the head of the last answer is here: names, connections, redirects and waiting for a place included. */
  readonly answerMs: number
  /** Longest silence in the body while somebody waits for its next piece. */
  readonly idleMs: number
  /** Until the last byte. Only what may be long, such as a blob, goes without. */
  readonly totalMs?: number
}

/** A question to a host that is not ours. */
export interface OutboundRequest {
  /** `POST` is never redirected. */
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** `http:` or `https:`; a user name or a fragment in it is not sent. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** The header of that name. It stays behind for good as soon as a redirect leaves the origin of `url`. */
  readonly authorization?: string | null
  readonly form?: URLSearchParams
  readonly patience: Patience
  /** Ends the exchange, its body too; what is thrown then is the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

/** The last answer, after all redirects. Its body must be read or cancelled: until then it holds a place. */
export interface OutboundAnswer {
  /** Where it came from. */
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  /** As it was sent, unpacked by nobody; fails with an `OutboundError`. */
  readonly body: ReadableStream<Uint8Array>
  /**
   * Reads the body whole; where the exchange has no end in time, `answerMs` is it.
   *
   * @throws OutboundError `too-large` beyond `maxBytes`, whatever the answer announces
   */
  bytes(maxBytes: number): Promise<Uint8Array>
  /** Gives up a body that nobody has begun to read, and the connection with it unless there is little left. */
  cancel(): Promise<void>
}

/** The way out: asks hosts that are not ours, as guarded as their names and answers deserve. */
export interface Outbound {
  /** @throws OutboundError; an answer of any status is returned */
  send(request: OutboundRequest): Promise<OutboundAnswer>
}
