import { BlockList, isIP } from 'node:net'

/** A set of addresses, from single ones and ranges in CIDR form; the word `unix` stands for a peer on a socket file. */
export class AddressRanges {
  readonly texts: readonly string[]
  readonly #list = new BlockList()

  /** @throws Error with a sentence for people when a text is neither an address nor a range */
  constructor(texts: readonly string[]) {
    this.texts = texts
    for (const text of texts) if (text !== 'unix') this.#add(text)
  }

  /** Whether an address, IPv4, IPv6 or IPv4 written as IPv6, is in the set; anything else is not. */
  includes(address: string): boolean {
    if (address === 'unix') return this.texts.includes('unix')
    const version = isIP(address)
    return version !== 0 && this.#list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }

  get isEmpty(): boolean {
    return this.texts.length === 0
  }

  #add(text: string): void {
    const [address = '', prefix, ...rest] = text.split('/')
    const version = isIP(address)
    const bits = version === 6 ? 128 : 32
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
    if (version === 0 || rest.length > 0 || !isPrefix) {
      throw new Error(`"${text}" is neither an address nor a range such as 10.0.0.0/8 or fd00::/8`)
    }
    this.#list.addSubnet(address, prefix === undefined ? bits : Number(prefix), version === 6 ? 'ipv6' : 'ipv4')
  }
}
