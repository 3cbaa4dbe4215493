import type { AddressRanges } from '../config/address-ranges.ts'
import { RegistryError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { logWithFields } from '../telemetry/log-with-fields.ts'
import { type Origin, originOf } from './forwarded.ts'
import type { RequestContext } from './request-context.ts'

/** What holds for every request of a server. */
export interface ServerEdge {
  readonly externalUrl: string | null
  readonly trustedProxies: AddressRanges
  readonly isTls: boolean
  readonly isUnix: boolean
  readonly log: Log
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Makes ids of two processes differ, and those of one process follow each other. */
const ID_PREFIX = crypto.randomUUID().slice(0, 8)
let lastId = 0

/** The context of a request of `Bun.serve`; what is not asked for is not worked out. */
export class ServerRequest implements RequestContext {
  readonly requestId: string
  readonly path: string
  readonly query: string
  route = 'unknown'
  readonly #request: Request
  readonly #server: Bun.Server<undefined>
  readonly #edge: ServerEdge
  #origin: Origin | undefined
  #log: Log | undefined

  constructor(request: Request, server: Bun.Server<undefined>, edge: ServerEdge) {
    this.#request = request
    this.#server = server
    this.#edge = edge
    const given = request.headers.get('x-request-id')
    this.requestId = given !== null && REQUEST_ID.test(given) ? given : `${ID_PREFIX}-${(++lastId).toString(36)}`
    const { url } = request
    // Without a good Host the runtime leaves a bare path here; no URL is parsed, as this runs for every request.
    const start = url.startsWith('/') ? 0 : url.indexOf('/', 'https://'.length)
    const question = url.indexOf('?', start)
    this.path = start < 0 ? '' : question < 0 ? url.slice(start) : url.slice(start, question)
    this.query = question < 0 ? '' : url.slice(question + 1)
  }

  get clientAddress(): string {
    return this.#from.address
  }

  get secure(): boolean {
    return this.#from.secure ?? this.#edge.isTls
  }

  get externalUrl(): string {
    if (this.#edge.externalUrl !== null) return this.#edge.externalUrl
    const host = this.#from.host ?? this.#request.headers.get('host')
    if (host === null || host === '')
      throw new RegistryError('INVALID', undefined, { message: 'the request names no host' })
    return `${this.secure ? 'https' : 'http'}://${host}`
  }

  get log(): Log {
    this.#log ??= logWithFields(this.#edge.log, { requestId: this.requestId })
    return this.#log
  }

  mayBeSilentFor(seconds: number): void {
    this.#server.timeout(this.#request, Math.min(255, Math.ceil(seconds)))
  }

  get #from(): Origin {
    this.#origin ??= originOf(this.#request.headers, this.#peer(), this.#edge.trustedProxies)
    return this.#origin
  }

  #peer(): string {
    if (this.#edge.isUnix) return 'unix'
    const address = this.#server.requestIP(this.#request)?.address ?? ''
    // A listener on every address writes IPv4 as IPv6.
    return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  }
}
