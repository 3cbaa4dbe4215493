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
    // Named authorities replace the runtime's, but a redirect to a public object store needs those too. As one text:
    // the runtime compares it for every request to find a connection that is open already.
    this.#ca = ca === undefined ? undefined : [...getCACertificates('default'), ca].join('\n')
  }

  /** @param serverName  whom the certificate must name; absent for an address, which then stands in the URL itself */
  of(hostname: string, serverName: string | undefined): NonNullable<BunFetchRequestInit['tls']> {
    const own = this.#own?.hostname === hostname ? this.#own : undefined
    return {
      rejectUnauthorized: own?.insecure !== true,
      ...(serverName !== undefined && { serverName }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
      ...(own?.certificate !== undefined && { cert: own.certificate }),
      ...(own?.key !== undefined && { key: own.key }),
    }
  }
}
