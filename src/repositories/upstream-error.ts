/**
 * Why an upstream does not give what it was asked for.
 *
 * - `missing`: it says that there is no such thing (404). Elsewhere than for blobs that is an answer, not an error.
 * - `hidden`: it took our credentials, or none were needed, and still refuses the name with 401: that is how Docker Hub
 *   answers for images that are not there, and for those that are not ours to see.
 * - `denied`: it refuses our credentials, wants some where there are none, or says 403.
 * - `rate-limited`: it wants us to wait.
 * - `unreachable`: no connection, no TLS, a 5xx, or it failed so often that it is left alone for a while.
 * - `timeout`: it was too slow.
 * - `broken`: an answer that cannot be right: a login page, another digest or length, no manifest, cut off.
 * - `unsafe`: it leads where we do not go: an address inside, a token service of a stranger, a way without TLS.
 */
export type UpstreamFailure =
  | 'missing'
  | 'hidden'
  | 'denied'
  | 'rate-limited'
  | 'unreachable'
  | 'timeout'
  | 'broken'
  | 'unsafe'

/** What is known of a failure besides its kind. */
export interface UpstreamErrorOptions {
  /** The HTTP status where there was an answer. */
  readonly status?: number
  /** How long the upstream wants to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | null
  readonly cause?: unknown
}

/** An upstream does not give what it was asked for; the message is for operators, and holds no secret. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly kind: UpstreamFailure
  readonly status: number | null
  readonly retryAfterMs: number | null

  constructor(kind: UpstreamFailure, message: string, options: UpstreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.status = options.status ?? null
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}
