import type { Actor } from '../core/actor.ts'
import { RegistryError } from '../core/errors.ts'
import { errorResponse } from '../formats/oci/responses.ts'
import { type OciRouter, scopeOf } from '../formats/oci/router.ts'
import { isInvalidToken } from './authenticate.ts'
import type { Challenge } from './challenge.ts'
import type { Handler, RequestContext } from './request-context.ts'

/** How the protocol's requests learn who asks, and how a 401 words what would help. */
export interface RegistryAuthentication {
  authenticate(request: Request, context: RequestContext): Actor | Promise<Actor>
  challenge(context: RequestContext, scope: string | null, error: Challenge['error']): string
}

/** Everything at and below `/v2`. */
export function createRegistryHandler(oci: OciRouter, authentication: RegistryAuthentication): Handler {
  const { authenticate, challenge } = authentication
  return async (request, context) => {
    try {
      const actor = await authenticate(request, context)
      const { path, query } = context
      // With a token that is good, what is missing is in its scope (RFC 6750, section 3.1).
      const reason = actor.tokenAccess ? 'insufficient_scope' : null
      return await oci.handle({ request, path, query, actor }, (scope) => challenge(context, scope, reason))
    } catch (error) {
      // Bad credentials; what the protocol's own handlers throw, they have answered themselves.
      if (!(error instanceof RegistryError) || error.status >= 500) throw error
      if (error.code !== 'UNAUTHORIZED') return errorResponse(error)
      // A token that expired in the middle of a push is replaced by one of the same scope.
      const scope = scopeOf({ path: context.path, request })
      const reason = isInvalidToken(error) ? 'invalid_token' : null
      return errorResponse(error, { 'www-authenticate': challenge(context, scope, reason) })
    }
  }
}
