import { isIP } from 'node:net'
import type { AddressRanges } from '../config/address-ranges.ts'
import { type ForwardedElement, parseForwarded } from './forwarded-header.ts'
import { isHost } from './host.ts'

/** Where a request comes from, seen through the proxies that are believed. */
export interface Origin {
  readonly address: string
  /** Null when no proxy that is believed says so. */
  readonly secure: boolean | null
  readonly host: string | null
}

/** The most hops that are followed; more is no honest chain. */
const MAX_HOPS = 32

/**
 * Follows the chain of proxies from the nearest one outwards, as far as each is named in `trusted`.
 *
 * Everything beyond the first address that is not a named proxy was written by a stranger. `X-Forwarded-*` goes before
 * `Forwarded`: most proxies write only the former and let a client's `Forwarded` through untouched.
 */
export function originOf(headers: Headers, peer: string, trusted: AddressRanges): Origin {
  if (trusted.isEmpty || !trusted.includes(peer)) return { address: peer, secure: null, host: null }
  const hops = xForwarded(headers) ?? parseForwarded(headers.get('forwarded') ?? '') ?? []
  let origin: Origin = { address: peer, secure: null, host: null }
  for (const hop of hops.slice(-MAX_HOPS).reverse()) {
    origin = {
      address: addressOf(hop.for) ?? origin.address,
      secure: secureOf(hop.proto) ?? origin.secure,
      host: hop.host !== undefined && isHost(hop.host) ? hop.host : origin.host,
    }
    // An unknown or obfuscated node (RFC 7239, section 6) ends what can be followed.
    if (addressOf(hop.for) === null || !trusted.includes(origin.address)) break
  }
  return origin
}

/** Whether proxies that are not believed have passed the request on: its address is then not the client's. */
export function isForwarded(headers: Headers): boolean {
  return headers.has('x-forwarded-for') || headers.has('forwarded')
}

/**
 * The three headers as one list. Proxies append to `X-Forwarded-For` but mostly overwrite the other two, so those count
 * for every hop; of a list the first is what the client's own connection had.
 */
function xForwarded(headers: Headers): ForwardedElement[] | null {
  const addresses = headers.get('x-forwarded-for')
  const proto = first(headers.get('x-forwarded-proto'))
  const host = first(headers.get('x-forwarded-host'))
  if (addresses === null && proto === undefined && host === undefined) return null
  const rest = { ...(proto !== undefined && { proto }), ...(host !== undefined && { host }) }
  return (addresses ?? '').split(',').map((address) => ({ for: address.trim(), ...rest }))
}

function first(list: string | null): string | undefined {
  return list?.split(',')[0]?.trim()
}

function secureOf(proto: string | undefined): boolean | null {
  const name = proto?.toLowerCase()
  return name === 'https' ? true : name === 'http' ? false : null
}

/** `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:5` name an address; nothing else does. */
function addressOf(node: string | undefined): string | null {
  if (node === undefined) return null
  const address = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(node)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(node)?.[1] ?? node
  return isIP(address) === 0 ? null : address
}
