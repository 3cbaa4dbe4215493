/** A file that pages need, held in memory from the first time that somebody asks for it. */
export class Asset {
  readonly #path: string
  readonly #contentType: string
  #held: Promise<HeldAsset> | undefined

  constructor(path: string, contentType: string) {
    this.#path = path
    this.#contentType = contentType
  }

  /**
   * Answers with the file, packed where the client can unpack it, or with 304 where it has it already.
   *
   * Browsers ask each time, so that no page meets the files of another version.
   */
  async answer(request: Request): Promise<Response> {
    this.#held ??= hold(this.#path)
    const { plain, packed, etag } = await this.#held
    const headers = {
      etag,
      'cache-control': 'no-cache',
      'content-type': this.#contentType,
      vary: 'accept-encoding',
    }
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
    if (!/\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')) return new Response(plain, { headers })
    return new Response(packed, { headers: { ...headers, 'content-encoding': 'gzip' } })
  }
}

interface HeldAsset {
  readonly plain: Uint8Array<ArrayBuffer>
  readonly packed: Uint8Array<ArrayBuffer>
  readonly etag: string
}

async function hold(path: string): Promise<HeldAsset> {
  const plain = await Bun.file(path).bytes()
  // Weak: the packed form is another one, byte for byte (RFC 9110, section 8.8.1).
  const etag = `W/"${new Bun.CryptoHasher('sha256').update(plain).digest('hex').slice(0, 32)}"`
  return { plain, packed: Bun.gzipSync(plain), etag }
}
