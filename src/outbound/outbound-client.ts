import type { Clock } from '../core/clock.ts'
import { type Outbound, type OutboundAnswer, OutboundError, type OutboundRequest } from '../core/outbound.ts'
import { type BodyEnd, WatchedAnswer } from './answer.ts'
import { CircuitBreaker, type Passage } from './circuit-breaker.ts'
import { Deadline } from './deadline.ts'
import { discard } from './discard.ts'
import { exchangeFailure } from './exchange-failure.ts'
import { HostAddresses, type Resolve, systemResolve } from './host-addresses.ts'
import { Places } from './places.ts'
import type { Proxies } from './proxies.ts'
import { Recent } from './recent.ts'
import { MAX_REDIRECTS, redirectTarget } from './redirect.ts'
import { Route } from './route.ts'
import { TlsOptions, type TlsSettings } from './tls.ts'

/** What a way out is made for: usually one upstream, with the hosts that it leads to. */
export interface OutboundSettings {
  /** Whether a host may lie inside: only those that an operator has named. */
  readonly mayBePrivate: (hostname: string) => boolean
  readonly tls?: TlsSettings
  readonly proxies?: Proxies
  readonly resolve?: Resolve
  readonly clock?: Clock
  /** For looking a name up, and again for connecting; default 5 s. */
  readonly connectMs?: number
  /** Exchanges at once with one host: of documents, and as many again of what is long. Default 16. */
  readonly maxPerHost?: number
  /** Failures in a row after which a host is left alone; default 5. */
  readonly failures?: number
  /** For how long; default 20 s. */
  readonly restMs?: number
}

const MOST_HOSTS = 500
const KEEP_ALIVE = { idleTimeout: 60, maxIdleSockets: 32 } as const
const DEFAULTS = { connectMs: 5_000, maxPerHost: 16, failures: 5, restMs: 20_000 } as const

interface HostState {
  readonly breaker: CircuitBreaker
  readonly documents: Places
  readonly streams: Places
  /** Its connections, shared with no other host and no other client. */
  readonly session: Bun.FetchSession
}

interface Step {
  readonly response: Response
  /** Where it leads; null for an answer. */
  readonly next: URL | null
  readonly passage: Passage
}

/** The one HTTP client for hosts that are not ours. Each has connections, places and breakers of its own. */
export class OutboundClient implements Outbound {
  readonly #settings: Required<Pick<OutboundSettings, keyof typeof DEFAULTS>>
  readonly #clock: Clock
  readonly #route: Route
  readonly #tls: TlsOptions
  readonly #hosts = new Recent<HostState>(MOST_HOSTS)

  constructor(settings: OutboundSettings) {
    this.#settings = { ...DEFAULTS, ...settings }
    this.#clock = settings.clock ?? Date.now
    const { mayBePrivate, resolve = systemResolve } = settings
    const { connectMs } = this.#settings
    const addresses = new HostAddresses({ mayBePrivate, resolve, connectMs, clock: this.#clock })
    this.#route = new Route(addresses, settings.proxies)
    this.#tls = new TlsOptions(settings.tls ?? {})
  }

  async send(request: OutboundRequest): Promise<OutboundAnswer> {
    const { host } = request.url
    const deadline = new Deadline(host, request.patience, request.signal)
    let leave = () => {}
    try {
      const { documents, streams } = this.#hostState(request.url)
      leave = await (request.patience.totalMs === undefined ? streams : documents).take(deadline.signal)
      return await this.#follow(request, deadline, leave)
    } catch (error) {
      deadline.over()
      leave()
      throw exchangeFailure(error, host, deadline.signal)
    }
  }

  /** Closes what is open and idle. */
  close(): void {
    for (const { session } of this.#hosts.values()) session.close()
  }

  async #follow(request: OutboundRequest, deadline: Deadline, leave: () => void): Promise<OutboundAnswer> {
    let { url, authorization = null } = request
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { response, next, passage } = await this.#ask(url, request, authorization, deadline)
      if (next === null) {
        deadline.answered()
        judge(response, passage, request)
        return new WatchedAnswer({ url, response, deadline, onOver: onOver(passage, leave) })
      }
      passage.succeeded()
      discard(response)
      if (request.method === 'POST') throw new OutboundError('unsafe', url.host, 'leads what was posted elsewhere')
      // For good: a host that we are led to must not lead us back, signed in, to a place of its choice.
      if (next.origin !== url.origin) authorization = null
      url = next
    }
    throw new OutboundError('unsafe', request.url.host, `leads on more than ${MAX_REDIRECTS} times`)
  }

  async #ask(url: URL, request: OutboundRequest, authorization: string | null, deadline: Deadline): Promise<Step> {
    const { breaker, session } = this.#hostState(url)
    const passage = breaker.enter()
    if (!passage) throw new OutboundError('resting', url.host, 'failed too often, and is left alone for a while')
    try {
      const { target, proxy } = await this.#route.to(url, deadline.signal)
      const response = await session.fetch(target, {
        proxy,
        method: request.method,
        headers: headersOf(url, request, authorization),
        body: request.form?.toString() ?? null,
        redirect: 'manual',
        decompress: false,
        timeout: false, // the deadline knows better: a slow reader is no silent host
        signal: deadline.signal,
      })
      return { response, next: inspected(url, response, deadline.signal), passage }
    } catch (error) {
      const failure = exchangeFailure(error, url.host, deadline.signal)
      if (deadline.isGivenUp || isUnsafe(failure)) passage.abandoned()
      else passage.failed()
      this.#route.forget(url)
      throw failure
    }
  }

  #hostState(url: URL): HostState {
    const { failures, restMs, maxPerHost } = this.#settings
    return this.#hosts.of(url.host, () => ({
      breaker: new CircuitBreaker({ failures, restMs }, this.#clock),
      documents: new Places(maxPerHost),
      streams: new Places(maxPerHost),
      // With its TLS here the runtime need not compare it for every request; and what a host sends unasked, no other reads.
      session: new Bun.FetchSession({ keepAlive: KEEP_ALIVE, tls: this.#tls.of(url.hostname) }),
    }))
  }
}

/** Where an answer leads, or null. @throws OutboundError when it cannot be taken as it is; its body is over then */
function inspected(url: URL, response: Response, signal: AbortSignal): URL | null {
  try {
    signal.throwIfAborted()
    refuseAmbiguous(response, url)
    return redirectTarget(url, response)
  } catch (error) {
    discard(response)
    throw error
  }
}

/** What is long says by its head already that the host is well: others wait for the word. */
function judge(response: Response, passage: Passage, { patience }: OutboundRequest): void {
  if (response.status >= 500) passage.failed()
  else if (patience.totalMs === undefined) passage.succeeded()
}

function onOver(passage: Passage, leave: () => void): (how: BodyEnd) => void {
  return (how) => {
    leave()
    if (how === 'broken') passage.failed()
    else passage.succeeded()
  }
}

function headersOf(url: URL, request: OutboundRequest, authorization: string | null): Record<string, string> {
  return {
    'user-agent': 'seawall',
    // Digests are of the bytes as they are: nothing on the way may pack them.
    'accept-encoding': 'identity',
    ...request.headers,
    ...(request.form && { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(authorization !== null && { authorization }),
    // The URL that is fetched has an address in the place of the name.
    host: url.host,
  }
}

/** Two lengths are how one answer is smuggled into another (RFC 9112, section 6.1). */
function refuseAmbiguous({ headers }: Response, url: URL): void {
  if (!headers.has('transfer-encoding') || !headers.has('content-length')) return
  throw new OutboundError('malformed', url.host, 'gives its answer two lengths')
}

function isUnsafe(failure: unknown): boolean {
  return failure instanceof OutboundError && failure.kind === 'unsafe'
}
