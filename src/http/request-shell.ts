import { RegistryError } from '../core/errors.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { failureResponse, isRegistryPath } from './failure-response.ts'
import { isHost } from './host.ts'
import type { Handler } from './request-context.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { type ServerEdge, ServerRequest } from './server-request.ts'

/** What the shell needs besides the edge. */
export interface ShellOptions {
  readonly edge: ServerEdge
  readonly handler: Handler
  readonly metrics: Metrics
  /** Whether reads that went well are logged too; they are most of the traffic, and each line costs. */
  readonly logsReads: boolean
}

/**
 * Stands around every request: a good Host, an id, the barrier that nothing from inside gets over, the measurements and
 * the line in the log. It runs on the hottest path, so it makes one object a request.
 */
export class RequestShell {
  readonly #edge: ServerEdge
  readonly #handler: Handler
  readonly #metrics: Metrics
  readonly #logsReads: boolean

  constructor({ edge, handler, metrics, logsReads }: ShellOptions) {
    this.#edge = edge
    this.#handler = handler
    this.#metrics = metrics
    this.#logsReads = logsReads
  }

  /** Never throws and never rejects. */
  answer(request: Request, server: Bun.Server<undefined>): Response | Promise<Response> {
    const started = performance.now()
    const context = new ServerRequest(request, server, this.#edge)
    try {
      checkTarget(request, context)
      const answer = this.#handler(request, context)
      if (!(answer instanceof Promise)) return this.#finish(answer, request, context, started)
      return answer.then(
        (response) => this.#finish(response, request, context, started),
        (error: unknown) => this.#fail(error, request, context, started),
      )
    } catch (error) {
      return this.#fail(error, request, context, started)
    }
  }

  #fail(error: unknown, request: Request, context: ServerRequest, started: number): Response {
    const response = failureResponse(error, request, context)
    if (response.status >= 500) this.#metrics.faultSeen(error instanceof RegistryError ? error.code : 'BUG')
    return this.#finish(response, request, context, started)
  }

  #finish(response: Response, request: Request, context: ServerRequest, started: number): Response {
    const { method } = request
    const { status, headers } = response
    const seconds = (performance.now() - started) / 1000
    const isRead = method === 'GET' || method === 'HEAD'
    const bytesIn = isRead ? 0 : Number(request.headers.get('content-length'))
    this.#metrics.requestDone({
      method,
      route: context.route,
      status,
      seconds,
      bytesIn,
      bytesOut: method === 'HEAD' ? 0 : Number(headers.get('content-length')),
    })
    // A 401 begins every sign-in, and a 404 every push: they are no events.
    const isEvent = !isRead || (status >= 400 && status !== 401 && status !== 404)
    if (isEvent || this.#logsReads) this.#log(isEvent, request, context, status, seconds)
    headers.set('x-request-id', context.requestId)
    if (isRegistryPath(context.path)) headers.set('x-content-type-options', 'nosniff')
    else addSecurityHeaders(headers, this.#edge.externalUrl)
    return response
  }

  /** The query stays out: it may hold a token. */
  #log(isEvent: boolean, request: Request, context: ServerRequest, status: number, seconds: number): void {
    const fields = {
      requestId: context.requestId,
      client: context.clientAddress,
      method: request.method,
      path: context.path.slice(0, 500),
      status,
      ms: Math.round(seconds * 10_000) / 10,
      agent: request.headers.get('user-agent')?.slice(0, 200),
    }
    if (isEvent) this.#edge.log.info('request', fields)
    else this.#edge.log.debug('request', fields)
  }
}

/**
 * A request names one good host (RFC 9112, section 3.2: anything else is 400) and a path.
 *
 * HTTP/1.0 need not name one: load balancers ask for health that way.
 */
function checkTarget(request: Request, context: ServerRequest): void {
  const host = request.headers.get('host')
  if (host !== null && !isHost(host)) {
    throw new RegistryError('INVALID', { host: host.slice(0, 100) }, { message: 'the Host header names no host' })
  }
  if (context.path === '') throw new RegistryError('INVALID', undefined, { message: 'the request names no path' })
}
