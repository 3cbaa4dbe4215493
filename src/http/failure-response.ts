import { RegistryError } from '../core/errors.ts'
import { errorResponse } from '../formats/oci/responses.ts'
import { problem } from './problem.ts'
import type { RequestContext } from './request-context.ts'

/** Nobody reads it: the client is gone. The number is the one that logs use for that. */
const CLIENT_CLOSED_REQUEST = 499

/** Whether a path belongs to the registry protocol, whose clients read failures in its own form. */
export function isRegistryPath(path: string): boolean {
  return path.startsWith('/v2/') || path === '/v2'
}

/** The one place where what a handler threw becomes an answer. Faults and bugs are logged, and nothing of them shown. */
export function failureResponse(thrown: unknown, request: Request, context: RequestContext): Response {
  if (thrown instanceof RegistryError) {
    if (thrown.status >= 500) context.log.error('request failed', thrown, { path: context.path, code: thrown.code })
    return worded(thrown, context)
  }
  if (request.signal.aborted) return new Response(null, { status: CLIENT_CLOSED_REQUEST })
  context.log.error('request failed: a bug', thrown, { method: request.method, path: context.path })
  const message = `something went wrong inside; the log has more under request id ${context.requestId}`
  return worded(new RegistryError('UNKNOWN', { requestId: context.requestId }, { message }), context)
}

function worded(error: RegistryError, context: RequestContext): Response {
  return isRegistryPath(context.path) ? errorResponse(error) : problem(error, context.requestId)
}
