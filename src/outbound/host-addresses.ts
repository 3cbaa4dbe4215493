import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../core/clock.ts'
import { OutboundError } from '../core/outbound.ts'
import { addressClass } from './address-class.ts'
import { firstReachable } from './first-reachable.ts'
import { raced } from './raced.ts'
import { Recent } from './recent.ts'

/** All addresses of a name, in the order of preference. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** By the system's resolver, so `/etc/hosts` and search domains count as for every other program. */
export const systemResolve: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address)

/** How to choose addresses. */
export interface AddressSettings {
  /** Whether a host may lie inside: an operator has named it. */
  readonly mayBePrivate: (hostname: string) => boolean
  readonly resolve: Resolve
  /** For looking a name up, and again for connecting. */
  readonly connectMs: number
  readonly clock: Clock
}

/** How long an address that was found good is used: short, as names move; an answer of the resolver says no time. */
const KEEP_MS = 30_000

/** Other addresses may come up while the first are tried; nobody needs more. */
const MOST_ADDRESSES = 8

const MOST_HOSTS = 500

interface Found {
  readonly address: Promise<string>
  readonly until: number
}

/**
 * Finds the address to connect to, and checks it: a name is an attacker's to point anywhere, also inside. Who connects
 * must use the address that is answered and no name, as a name may answer otherwise the next time (DNS rebinding).
 */
export class HostAddresses {
  readonly #settings: AddressSettings
  readonly #found = new Recent<Found>(MOST_HOSTS)

  constructor(settings: AddressSettings) {
    this.#settings = settings
  }

  /**
   * @param hostname  as a URL has it: lower case, IPv6 in brackets
   * @throws OutboundError `unsafe`, `unreachable`, `timeout`; the signal's reason
   */
  async find(hostname: string, port: number, signal: AbortSignal): Promise<string> {
    const key = `${hostname}:${port}`
    const now = this.#settings.clock()
    const known = this.#found.get(key)
    if (known && now < known.until) return raced(known.address, signal)
    const found = { address: this.#search(hostname, port), until: now + KEEP_MS }
    this.#found.set(key, found)
    found.address.catch(() => this.#forget(key, found))
    return raced(found.address, signal)
  }

  /** Whether an operator has named the host as one that may lie inside. */
  mayBePrivate(hostname: string): boolean {
    return this.#settings.mayBePrivate(hostname)
  }

  /** After a connection failed: the next request looks anew. */
  forget(hostname: string, port: number): void {
    this.#found.delete(`${hostname}:${port}`)
  }

  #forget(key: string, found: Found): void {
    if (this.#found.get(key) === found) this.#found.delete(key)
  }

  async #search(hostname: string, port: number): Promise<string> {
    const { connectMs } = this.#settings
    const addresses = await this.#safeAddresses(hostname)
    try {
      return await firstReachable(addresses.slice(0, MOST_ADDRESSES), port, connectMs)
    } catch (cause) {
      const kind = codeOf(cause) === 'ETIMEDOUT' ? 'timeout' : 'unreachable'
      throw new OutboundError(kind, hostname, `takes no connection at port ${port} (${codeOf(cause)})`, { cause })
    }
  }

  async #safeAddresses(hostname: string): Promise<readonly string[]> {
    const literal = hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(literal) ? [literal] : await this.#resolve(hostname)
    if (addresses.length === 0) throw new OutboundError('unreachable', hostname, 'has no address')
    const mayBePrivate = this.mayBePrivate(hostname)
    const safe = addresses.filter((address) => {
      const found = addressClass(address)
      return found === 'public' || (found === 'private' && mayBePrivate)
    })
    if (safe.length > 0) return safe
    throw new OutboundError('unsafe', hostname, 'is an address inside, which must be allowed by the name of its host')
  }

  async #resolve(hostname: string): Promise<readonly string[]> {
    try {
      return await raced(this.#settings.resolve(hostname), AbortSignal.timeout(this.#settings.connectMs))
    } catch (cause) {
      const isLate = cause instanceof DOMException && cause.name === 'TimeoutError'
      const kind = isLate ? 'timeout' : 'unreachable'
      throw new OutboundError(kind, hostname, isLate ? 'its name is not found in time' : 'its name is not found', {
        cause,
      })
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
