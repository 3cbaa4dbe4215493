import { isImageName } from '../../../core/names.ts'

/** Where Docker Hub's registry answers; its names of old and of the heart lead there too. */
const HUB_ENDPOINT = 'registry-1.docker.io'
const HUB_NAMES = new Set(['docker.io', 'index.docker.io', HUB_ENDPOINT, 'registry.hub.docker.com'])

/** Whether a host is a name of Docker Hub. */
export function isHubHost(host: string): boolean {
  return HUB_NAMES.has(host)
}

/** Where a registry answers, and what its names begin with. */
export class UpstreamAddress {
  /** `https://registry-1.docker.io` */
  readonly origin: string
  /** As a URL has it: without a port. */
  readonly hostname: string
  readonly isPlain: boolean
  readonly #isHub: boolean
  readonly #prefix: string

  private constructor(url: URL, prefix: string) {
    this.#isHub = isHubHost(url.hostname)
    const place = this.#isHub ? new URL(`https://${HUB_ENDPOINT}`) : url
    this.origin = place.origin
    this.hostname = place.hostname
    this.isPlain = place.protocol === 'http:'
    this.#prefix = prefix
  }

  /**
   * Reads `https://host[:port][/prefix]`; a path is the beginning of every name: `https://ghcr.io/example`,
   * `https://seawall.example.com/hub`. A leading `v2` is left out, as people copy it from elsewhere.
   *
   * @throws Error with a sentence for people
   */
  static parse(text: string): UpstreamAddress {
    const url = URL.parse(text.includes('://') ? text : `https://${text}`)
    if (!url || !/^https?:$/.test(url.protocol)) throw new Error(`"${text}" is no address of a registry`)
    if (url.username || url.password) throw new Error('the credentials of an upstream do not belong into its address')
    if (url.search || url.hash) throw new Error(`"${text}" has more than a host and a path`)
    const prefix = url.pathname.replace(/^\/v2(?=\/|$)/, '').replaceAll(/^\/+|\/+$/g, '')
    if (prefix !== '' && !isImageName(`any/${prefix}`)) throw new Error(`"${prefix}" cannot begin a name in a registry`)
    return new UpstreamAddress(url, prefix)
  }

  /** What the upstream calls a package: official images of Docker Hub have a room of their own there. */
  nameOf(pkg: string): string {
    const name = this.#prefix === '' ? pkg : `${this.#prefix}/${pkg}`
    return this.#isHub && !name.includes('/') ? `library/${name}` : name
  }
}
