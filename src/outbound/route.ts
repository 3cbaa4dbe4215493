import { isIP } from 'node:net'
import { OutboundError } from '../core/outbound.ts'
import { addressClass } from './address-class.ts'
import type { HostAddresses } from './host-addresses.ts'
import { NO_PROXIES, type Proxies } from './proxies.ts'

/** What to hand to the runtime's HTTP client. */
export interface Way {
  /** With a checked address in the place of the name. */
  readonly target: string
  /** Never undefined: without this word the runtime would look for a proxy in the environment by itself. */
  readonly proxy: Bun.FetchProxyOption
}

/** The way to a host: directly by an address that was checked, or through the operator's proxy. */
export class Route {
  readonly #addresses: HostAddresses
  readonly #proxies: Proxies

  constructor(addresses: HostAddresses, proxies: Proxies = NO_PROXIES) {
    this.#addresses = addresses
    this.#proxies = proxies
  }

  /** @throws OutboundError `unsafe`, `unreachable`, `timeout`; the signal's reason */
  async to(url: URL, signal: AbortSignal): Promise<Way> {
    const target = new URL(url)
    target.username = ''
    target.password = ''
    target.hash = ''
    const proxy = this.#proxies.proxyFor(url)
    if (proxy !== null) {
      if (isPlainlyInside(url) && !this.#addresses.mayBePrivate(url.hostname)) {
        throw new OutboundError('unsafe', url.host, 'is not asked through a proxy')
      }
      return { target: target.href, proxy: { url: proxy, respectNoProxy: false } }
    }
    const address = await this.#addresses.find(url.hostname, portOf(url), signal)
    target.hostname = isIP(address) === 6 ? `[${address}]` : address
    return { target: target.href, proxy: false }
  }

  /** After a connection failed. */
  forget(url: URL): void {
    this.#addresses.forget(url.hostname, portOf(url))
  }
}

/** A proxy looks names up by itself, and what it may reach is its operator's rule; what needs no look is refused here. */
function isPlainlyInside({ hostname }: URL): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0) return addressClass(bare) !== 'public'
  return /(?:^|\.)localhost\.?$/.test(hostname)
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}
