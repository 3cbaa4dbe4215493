/** Every failure a client can see. The first block is the OCI list, word for word. */
export const FAILURES = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to registry' },
  BLOB_UPLOAD_INVALID: { status: 400, message: 'blob upload invalid' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: 'blob upload unknown to registry' },
  DIGEST_INVALID: { status: 400, message: 'provided digest did not match uploaded content' },
  MANIFEST_BLOB_UNKNOWN: { status: 400, message: 'manifest references a manifest or blob unknown to registry' },
  MANIFEST_INVALID: { status: 400, message: 'manifest invalid' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown to registry' },
  NAME_INVALID: { status: 400, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'repository name not known to registry' },
  SIZE_INVALID: { status: 400, message: 'provided length did not match content length' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  DENIED: { status: 403, message: 'requested access to the resource is denied' },
  UNSUPPORTED: { status: 405, message: 'the operation is unsupported' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests' },
  // known from the Docker registry, still read by clients
  RANGE_INVALID: { status: 416, message: 'invalid content range' },
  TAG_INVALID: { status: 400, message: 'manifest tag did not match the grammar' },
  PAGINATION_NUMBER_INVALID: { status: 400, message: 'invalid number of results requested' },
  UNKNOWN: { status: 500, message: 'unknown error' },
  UNAVAILABLE: { status: 503, message: 'service unavailable' },
  // ours from here
  MANIFEST_TOO_LARGE: { status: 413, message: 'manifest larger than the limit' },
  BLOB_TOO_LARGE: { status: 413, message: 'blob larger than the limit' },
  URI_TOO_LONG: { status: 414, message: 'request names more than the limit' },
  QUOTA_EXCEEDED: { status: 403, message: 'quota exceeded' },
  TAG_IMMUTABLE: { status: 403, message: 'the tag cannot be changed' },
  POLICY_BLOCKED: { status: 403, message: 'blocked by policy' },
  STORAGE_FULL: { status: 507, message: 'the registry has no room left' },
  TOO_LARGE: { status: 413, message: 'the request is larger than the limit' },
  CONFLICT: { status: 409, message: 'conflicts with what is already there' },
  INVALID: { status: 400, message: 'invalid request' },
  NOT_FOUND: { status: 404, message: 'not found' },
  PRECONDITION_FAILED: { status: 412, message: 'precondition failed' },
} as const satisfies Record<string, { status: number; message: string }>

export type FailureCode = keyof typeof FAILURES

/** What a `RegistryError` may carry besides its detail. */
export interface RegistryErrorOptions {
  readonly cause?: unknown
  /** Replaces the table's message, when there is more to tell a person. */
  readonly message?: string
  /** Seconds after which the client may try again; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number
}

/** The one error that reaches clients: thrown anywhere, worded by the format that catches it. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: FailureCode
  readonly detail: unknown
  readonly retryAfterSeconds: number | undefined

  constructor(code: FailureCode, detail?: unknown, options: RegistryErrorOptions = {}) {
    super(options.message ?? FAILURES[code].message, { cause: options.cause })
    this.code = code
    this.detail = detail
    // What is not available now may be so again (RFC 9110, section 15.6.4): clients should know that trying helps.
    this.retryAfterSeconds = options.retryAfterSeconds ?? (code === 'UNAVAILABLE' ? 1 : undefined)
  }

  get status(): number {
    return FAILURES[this.code].status
  }
}
