import { RegistryError } from '../core/errors.ts'
import { isRegistryPath } from './failure-response.ts'
import { problem } from './problem.ts'
import { registryRoute } from './registry-route.ts'
import type { Handler, RequestContext } from './request-context.ts'

/** Who answers what. */
export interface Routes {
  /** Everything at and below `/v2`, in the registry protocol's own form. */
  readonly registry: Handler
  /** `/token`: the token service, by GET and POST. */
  readonly token: Handler
  /** The public keys of our tokens, as a JWK set (RFC 7517). */
  readonly keys: Handler
  /** Everything at and below `/api/v1`. */
  readonly api: Handler
  readonly health: Handler
  readonly readiness: Handler
  readonly metrics: Handler
  /** `/` and everything below `/assets/`. */
  readonly pages: Handler
}

interface Place {
  readonly route: string
  readonly handler: Handler
  readonly methods: readonly string[] | null
}

const READ = ['GET', 'HEAD'] as const

/** Finds who answers by the path's first characters; each then reads the rest itself. */
export function createRouter(routes: Routes): Handler {
  const places = new Map<string, Place>([
    ['/', { route: 'pages', handler: routes.pages, methods: READ }],
    ['/token', { route: 'token', handler: routes.token, methods: ['GET', 'POST'] }],
    ['/jwks.json', { route: 'keys', handler: routes.keys, methods: READ }],
    ['/.well-known/jwks.json', { route: 'keys', handler: routes.keys, methods: READ }],
    ['/healthz', { route: 'health', handler: routes.health, methods: READ }],
    ['/readyz', { route: 'readiness', handler: routes.readiness, methods: READ }],
    ['/metrics', { route: 'metrics', handler: routes.metrics, methods: READ }],
    ['/api/v1', { route: 'api', handler: routes.api, methods: null }],
  ])
  const api: Place = { route: 'api', handler: routes.api, methods: null }
  const assets: Place = { route: 'assets', handler: routes.pages, methods: READ }

  return (request, context) => {
    const { path } = context
    if (isRegistryPath(path)) {
      context.route = registryRoute(path)
      return routes.registry(request, context)
    }
    if (path.startsWith('/api/v1/')) return answer(api, request, context)
    if (path.startsWith('/assets/')) return answer(assets, request, context)
    const place = places.get(path)
    if (!place)
      throw new RegistryError('NOT_FOUND', undefined, { message: `there is nothing at ${path.slice(0, 200)}` })
    return answer(place, request, context)
  }
}

function answer(place: Place, request: Request, context: RequestContext): Promise<Response> | Response {
  context.route = place.route
  if (!place.methods || place.methods.includes(request.method)) return place.handler(request, context)
  const error = new RegistryError('UNSUPPORTED', { method: request.method, allowed: place.methods })
  // RFC 9110, section 15.5.6: a 405 tells what is allowed.
  return problem(error, context.requestId, { allow: place.methods.join(', ') })
}
