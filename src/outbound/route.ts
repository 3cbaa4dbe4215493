import { isIP } from 'node:net'
import { OutboundError } from '../core/outbound.ts'
import { addressClass } from './address-class.ts'
import type { HostAddresses } from './host-addresses.ts'
import { NO_PROXIES, type Proxies } from './proxies.ts'
import type { TlsOptions } from './tls.ts'

/** What to hand to the runtime's HTTP client. */
export interface Way {
  /** With a checked address in the place of the name. */
  readonly target: string
  readonly init: Pick<BunFetchRequestInit, 'proxy' | 'tls'>
}

/** The way to a host: directly by an address that was checked, or through the operator's proxy. */
export class Route {
  readonly #addresses: HostAddresses
  readonly #tls: TlsOptions
  readonly #proxies: Proxies

  constructor(addresses: HostAddresses, tls: TlsOptions, proxies: Proxies = NO_PROXIES) {
    this.#addresses = addresses
    this.#tls = tls
    this.#proxies = proxies
  }

  /** @throws OutboundError `unsafe`, `unreachable`, `timeout`; the signal's reason */
  async to(url: URL, signal: AbortSignal): Promise<Way> {
    const target = new URL(url)
    target.username = ''
    target.password = ''
    target.hash = ''
    const literal = literalOf(url)
    const tls =
      url.protocol === 'https:' ? this.#tls.of(url.hostname, literal ? undefined : serverNameOf(url)) : undefined
    const proxy = this.#proxies.proxyFor(url)
    if (proxy !== null) {
      if (isPlainlyInside(url, literal) && !this.#addresses.mayBePrivate(url.hostname))
        throw new OutboundError('unsafe', url.host, 'is not asked through a proxy')
      return { target: target.href, init: { proxy: { url: proxy, respectNoProxy: false }, ...(tls && { tls }) } }
    }
    const address = await this.#addresses.find(url.hostname, portOf(url), signal)
    target.hostname = isIP(address) === 6 ? `[${address}]` : address
    // Without this word the runtime would look for a proxy in the environment by itself.
    return { target: target.href, init: { proxy: false, ...(tls && { tls }) } }
  }

  /** After a connection failed. */
  forget(url: URL): void {
    this.#addresses.forget(url.hostname, portOf(url))
  }
}

/** A proxy looks names up by itself, and what it may reach is its operator's rule; what needs no look is refused here. */
function isPlainlyInside(url: URL, literal: string | null): boolean {
  if (literal !== null) return addressClass(literal) !== 'public'
  return /(?:^|\.)localhost\.?$/.test(url.hostname)
}

function literalOf(url: URL): string | null {
  const bare = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? null : bare
}

/** Names in certificates and in the handshake have no dot at the end (RFC 6066, section 3). */
function serverNameOf(url: URL): string {
  return url.hostname.replace(/\.$/, '')
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}
