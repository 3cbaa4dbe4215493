import { formatListenAddress, type ListenAddress } from '../config/listen-address.ts'
import type { Certificate } from './certificate-files.ts'

type Answer = (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>

/**
 * The sockets of a server: one that takes connections, and with HTTPS the ones before it, which finish what they had.
 *
 * The runtime cannot give a listening socket another certificate, so a new one is opened on the same port, and then the
 * old one takes no more. Requests in flight finish; idle connections are closed, which HTTP allows at any time.
 */
export class Listeners {
  readonly #listen: ListenAddress
  readonly #idleSeconds: number
  readonly #answer: Answer
  readonly #sharesPort: boolean
  readonly #open = new Set<Bun.Server<undefined>>()
  #current: Bun.Server<undefined> | undefined
  #port = 0

  /** @param sharesPort  whether other processes of this server listen on the same port; it was found free for them */
  constructor(listen: ListenAddress, idleSeconds: number, answer: Answer, sharesPort = false) {
    this.#listen = listen
    this.#idleSeconds = idleSeconds
    this.#answer = answer
    this.#sharesPort = sharesPort
  }

  /** The port that was given; 0 for a socket file. */
  get port(): number {
    return this.#port
  }

  get pendingRequests(): number {
    return [...this.#open].reduce((sum, server) => sum + server.pendingRequests, 0)
  }

  /** Takes connections with this certificate from now on. @throws Error with a sentence when the address is taken */
  open(certificate: Certificate | null): void {
    const before = this.#current
    // A port that may be shared would be shared with a stranger too: the first time it must be free.
    if (certificate && !before && this.#isFixedPort && !this.#sharesPort) this.#serve(null, false).stop(true)
    const server = this.#serve(certificate, certificate !== null || this.#sharesPort)
    this.#port = server.port ?? 0
    this.#open.add(server)
    this.#current = server
    if (before) void before.stop().then(() => this.#open.delete(before))
  }

  /** @returns how many requests were cut off */
  async close(graceMs: number): Promise<number> {
    const servers = [...this.#open]
    const stopped = Promise.all(servers.map((server) => server.stop())).then(() => true)
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), graceMs)
    const isClean = await Promise.race([stopped, tooLate])
    clearTimeout(timer)
    if (isClean) return 0
    const cutOff = this.pendingRequests
    await Promise.all(servers.map((server) => server.stop(true)))
    return cutOff
  }

  get #isFixedPort(): boolean {
    return this.#listen.kind === 'tcp' && this.#listen.port !== 0
  }

  #serve(certificate: Certificate | null, isShared: boolean): Bun.Server<undefined> {
    const listen = this.#listen
    const common = {
      fetch: this.#answer,
      // Blobs have limits of their own, which count the bytes that come instead of believing a header.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
    }
    try {
      if (listen.kind === 'unix') return Bun.serve({ ...common, unix: listen.path })
      const port = this.#port || listen.port
      const shared = { ...common, hostname: listen.host, port, reusePort: isShared, idleTimeout: this.#idleSeconds }
      return Bun.serve(certificate ? { ...shared, tls: { ...certificate } } : shared)
    } catch (error) {
      throw listenFailure(listen, error)
    }
  }
}

/**
 * Finds the port that several processes are going to share, by having it alone for a moment: one that may be shared would
 * be shared with a stranger too.
 *
 * @throws Error with a sentence when the address is taken
 */
export function findSharedPort(listen: ListenAddress & { readonly kind: 'tcp' }): number {
  try {
    const server = Bun.serve({ hostname: listen.host, port: listen.port, fetch: () => new Response(null) })
    const { port } = server
    void server.stop(true)
    return port ?? listen.port
  } catch (error) {
    throw listenFailure(listen, error)
  }
}

function listenFailure(listen: ListenAddress, error: unknown): Error {
  return new Error(`cannot listen on ${formatListenAddress(listen)}: ${reasonOf(error)}`, { cause: error })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!('code' in error) || error.code !== 'EADDRINUSE') return error.message
  return 'another program listens there; set SEAWALL_LISTEN to a free address'
}
