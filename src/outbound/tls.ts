import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'

/** What TLS needs beyond the usual. */
export interface TlsSettings {
  /** Authorities in PEM that are trusted besides those of the system, by whatever host the way leads. */
  readonly ca?: string
  /** What holds for one host alone: redirects lead elsewhere. */
  readonly own?: OwnTls
}

/** What TLS needs with the one host that an operator means. */
export interface OwnTls {
  /** As a URL has it, without a port. */
  readonly hostname: string
  /** The client's own certificate and its key, in PEM. */
  readonly certificate?: string
  readonly key?: string
  /** Takes any certificate: for trying things out, as anybody on the way can read and change everything then. */
  readonly insecure?: boolean
}

/** Makes the runtime's TLS options host by host. */
export class TlsOptions {
  readonly #own: OwnTls | undefined
  readonly #ca: string | undefined

  constructor({ ca, own }: TlsSettings) {
    this.#own = own
    // Named authorities replace the runtime's, but a redirect to a public object store needs those too.
    this.#ca = ca === undefined ? undefined : [...getCACertificates('default'), ca].join('\n')
  }

  /** @param hostname  as a URL has it: the certificate must name it; an address stands in the URL itself */
  of(hostname: string): NonNullable<BunFetchRequestInit['tls']> {
    const own = this.#own?.hostname === hostname ? this.#own : undefined
    const isName = isIP(hostname.replace(/^\[|\]$/g, '')) === 0
    return {
      rejectUnauthorized: own?.insecure !== true,
      // Names in certificates and in the handshake have no dot at the end (RFC 6066, section 3).
      ...(isName && { serverName: hostname.replace(/\.$/, '') }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
      ...(own?.certificate !== undefined && { cert: own.certificate }),
      ...(own?.key !== undefined && { key: own.key }),
    }
  }
}
