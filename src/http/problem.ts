import { STATUS_CODES } from 'node:http'
import type { RegistryError } from '../core/errors.ts'

/** A failure as the management API and the pages tell it: problem details (RFC 9457). */
export function problem(error: RegistryError, requestId: string, headers: Record<string, string> = {}): Response {
  const body = {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    // Extension members (RFC 9457, section 3.2): the code of the table, what it is about, and where to look in the log.
    code: error.code,
    ...(error.detail !== undefined && { about: error.detail }),
    requestId,
  }
  const retry = error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }
  return new Response(JSON.stringify(body), {
    status: error.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...retry, ...headers },
  })
}
