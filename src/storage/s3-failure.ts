import { RegistryError } from '../core/errors.ts'

/** What stores of several makers say when no room is left. */
const FULL = new Set([
  'QuotaExceeded',
  'EntityTooLargeForQuota',
  'XMinioStorageFull',
  'InsufficientStorage',
  'StorageFull',
])

/** Codes and states that another attempt may change. */
const PASSING = new Set(['SlowDown', 'InternalError', 'ServiceUnavailable', 'RequestTimeout', 'Throttling'])

/** An answer of the store that is not what was asked for. */
export class S3Refusal extends Error {
  override readonly name = 'S3Refusal'
  /** The store's own word (`NoSuchKey`), or empty where it sent none. */
  readonly code: string
  readonly status: number

  constructor(call: string, status: number, code: string) {
    super(`${call} answered ${status} ${code}`.trim())
    this.status = status
    this.code = code
  }
}

/** The store's word for what went wrong, whichever client brought it; empty when there is none. */
export function s3Code(error: unknown): string {
  if (error instanceof S3Refusal) return error.code
  return error instanceof Error ? error.name : ''
}

/** Tells whether the same call may well succeed a moment later: no answer at all, or one that says so. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof S3Refusal)) return error instanceof Error && error.name !== 'AbortError'
  return error.status >= 500 || error.status === 429 || PASSING.has(error.code)
}

/** What a failed call means to a client of the registry; our own errors pass as they are. */
export function s3Failure(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error
  const isFull = FULL.has(s3Code(error)) || (error instanceof S3Refusal && error.status === 507)
  return new RegistryError(isFull ? 'STORAGE_FULL' : 'UNAVAILABLE', undefined, { cause: error })
}
