import type { Actor } from '../core/actor.ts'
import { RegistryError } from '../core/errors.ts'
import { readBounded } from './bounded-body.ts'
import { ADVISORY_IMPORT_PATH, ADVISORY_MAX_BYTES } from './management/advisories.ts'
import type { ManagementApplication } from './management/environment.ts'
import { challengeFor } from './management/management.ts'
import { problem } from './problem.ts'
import type { Handler, RequestContext } from './request-context.ts'

/** Largest body of a management request, in bytes; what is larger has a route of its own. */
const MOST_BODY_BYTES = 1024 * 1024

/** Everything at and below `/api/v1`: password or access token, live rights. */
export function createManagementHandler(
  application: ManagementApplication,
  authenticate: (request: Request, context: RequestContext) => Actor | Promise<Actor>,
): Handler {
  return async (request, context) => {
    try {
      const isImport = context.path === ADVISORY_IMPORT_PATH
      const most = isImport ? ADVISORY_MAX_BYTES : MOST_BODY_BYTES
      if (Number(request.headers.get('content-length') ?? 0) > most) throw new RegistryError('TOO_LARGE')
      const actor = await authenticate(request, context)
      const asked = isImport ? request : await withBoundedBody(request)
      const mayBeSilentFor = (seconds: number): void => context.mayBeSilentFor(seconds)
      return await application.fetch(asked, { actor, requestId: context.requestId, mayBeSilentFor })
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error
      return problem(error, context.requestId, challengeFor(error))
    }
  }
}

/**
 * The same request with its body in memory: what takes bodies apart further in reads them to their end, whoever sends
 * them. The import of a feed counts its own bytes, once it knows that an administrator sends them.
 */
async function withBoundedBody(request: Request): Promise<Request> {
  if (!request.body) return request
  const body = await readBounded(request, MOST_BODY_BYTES)
  if (!body) throw new RegistryError('TOO_LARGE')
  const { method, headers } = request
  return new Request(request.url, { method, headers, body })
}
