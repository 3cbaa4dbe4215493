import type { Actor } from '../core/actor.ts'
import { RegistryError } from '../core/errors.ts'
import { ADVISORY_IMPORT_PATH, ADVISORY_MAX_BYTES } from './management/advisories.ts'
import type { ManagementApplication } from './management/environment.ts'
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
      const most = context.path === ADVISORY_IMPORT_PATH ? ADVISORY_MAX_BYTES : MOST_BODY_BYTES
      if (Number(request.headers.get('content-length') ?? 0) > most) throw new RegistryError('TOO_LARGE')
      const actor = await authenticate(request, context)
      const mayBeSilentFor = (seconds: number): void => context.mayBeSilentFor(seconds)
      return await application.fetch(request, { actor, requestId: context.requestId, mayBeSilentFor })
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error
      return problem(error, context.requestId, { 'www-authenticate': 'Basic realm="Seawall", Bearer' })
    }
  }
}
