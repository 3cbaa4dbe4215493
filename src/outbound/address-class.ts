import { isIP } from 'node:net'

/**
 * What an address is good for: `public` ones may be asked by anybody's wish; `private` ones lie inside, and only an
 * operator who names the host may mean them; `never` is no host's address, or one where clouds keep their secrets.
 */
export type AddressClass = 'public' | 'private' | 'never'

type Range4 = readonly [first: string, bits: number]

/** RFC 1918, RFC 6598 (carriers), RFC 1122 (loopback), RFC 2544 (test benches). */
const PRIVATE_4: readonly Range4[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
]

/**
 * The rest of IANA's special purpose registry: unspecified ("this host", which Linux takes for loopback), link-local
 * with the metadata services, documentation, old relays, multicast, reserved, broadcast.
 */
const NEVER_4: readonly Range4[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Alibaba's metadata service lies among the carriers' addresses, Amazon's by IPv6 among the unique local ones. */
const METADATA = new Set(['100.100.100.200', 'fd00:ec2::254'])

/** What an IPv4 or IPv6 address is good for; anything that is no address is `never`. */
export function addressClass(address: string): AddressClass {
  const version = isIP(address)
  if (version === 0 || METADATA.has(address)) return 'never'
  return version === 4 ? classOf4(numberOf(address)) : classOf6(address)
}

function classOf4(address: number): AddressClass {
  const isIn = ([first, bits]: Range4) => address >>> (32 - bits) === numberOf(first) >>> (32 - bits)
  if (NEVER_4.some(isIn)) return 'never'
  return PRIVATE_4.some(isIn) ? 'private' : 'public'
}

/** By what is known to be good: global unicast (RFC 4291, 2.4), without the parts that carry something else. */
function classOf6(text: string): AddressClass {
  const canonical = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1)
  if (canonical === undefined || METADATA.has(canonical)) return 'never' // with a zone it is a link's own
  const [a, b, c, d, e, f, g, h] = wordsOf(canonical)
  const inner = ((g << 16) | h) >>> 0
  const isZeroTo = (...words: readonly number[]) => words.every((word) => word === 0)
  if (isZeroTo(a, b, c, d, e) && f === 0xffff) {
    // IPv4 in the clothes of IPv6 (RFC 4291, 2.5.5.2): no name's record has it by accident
    return classOf4(inner) === 'never' ? 'never' : 'private'
  }
  // Translated (RFC 6052): a network without IPv4 reaches the rest of the world by these alone.
  if (a === 0x64 && b === 0xff9b && isZeroTo(c, d, e, f)) return classOf4(inner)
  if ((a & 0xfe00) === 0xfc00 || (isZeroTo(a, b, c, d, e, f, g) && h === 1)) return 'private' // RFC 4193, loopback
  const isGlobal = (a & 0xe000) === 0x2000
  const isSpecial =
    (a === 0x2001 && (b < 0x200 || b === 0xdb8)) || // IETF protocols with Teredo and ORCHID; documentation
    a === 0x2002 || // 6to4 carries an IPv4 address
    (a === 0x3fff && b < 0x1000) // documentation
  return isGlobal && !isSpecial ? 'public' : 'never'
}

type Words = readonly [number, number, number, number, number, number, number, number]

/** The eight groups of an address as a URL spells it: in hexadecimal, with at most one `::`. */
function wordsOf(canonical: string): Words {
  const [before = '', after] = canonical.split('::')
  const front = groupsOf(before)
  const back = groupsOf(after ?? '')
  const at = (i: number) => (i < front.length ? front[i] : back[i - 8 + back.length]) ?? 0
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)]
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0
}
