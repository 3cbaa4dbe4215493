import type { Digest } from '../../src/core/digest.ts'
import type { Content } from '../protocol/samples.ts'

/** How often a client tries something before it gives up, as docker and skopeo do. */
const MOST_ATTEMPTS = 12
const PAUSE_MS = 150

/** No good answer came; the whole step is done again. */
class Failed extends Error {
  override readonly name = 'Failed'
}

/** A client that opens a connection for each request, and begins a blob anew when anything fails in between. */
export class RetryingClient {
  readonly #url: string
  readonly #headers: Record<string, string>
  /** Steps that had to be done again. */
  retries = 0

  /** @param name  the specification's `<name>` */
  constructor(host: string, password: string, name: string) {
    this.#url = `http://${host}/v2/${name}`
    this.#headers = { authorization: `Basic ${btoa(`admin:${password}`)}`, connection: 'close' }
  }

  /** Pushes a blob in so many chunks and an empty closing request. */
  pushBlob(content: Content, chunks: number): Promise<void> {
    return this.#again(async () => {
      const begun = await this.#ask('POST', `${this.#url}/blobs/uploads/`, 202)
      let location = locationOf(begun, this.#url)
      const step = Math.ceil(content.bytes.length / chunks)
      for (let at = 0; at < content.bytes.length; at += step) {
        const chunk = content.bytes.slice(at, at + step)
        const range = { 'content-range': `${at}-${at + chunk.length - 1}`, 'content-type': 'application/octet-stream' }
        location = locationOf(await this.#ask('PATCH', location, 202, chunk, range), this.#url)
      }
      const end = new URL(location)
      end.searchParams.set('digest', content.digest)
      await this.#ask('PUT', end.href, 201)
    })
  }

  putManifest(tag: string, { bytes, mediaType }: Content): Promise<void> {
    return this.#again(async () => {
      await this.#ask('PUT', `${this.#url}/manifests/${tag}`, 201, bytes, { 'content-type': mediaType })
    })
  }

  async manifest(reference: string, accept: string): Promise<Uint8Array> {
    return (await this.#ask('GET', `${this.#url}/manifests/${reference}`, 200, undefined, { accept })).bytes()
  }

  async blob(digest: Digest): Promise<Uint8Array> {
    return (await this.#ask('GET', `${this.#url}/blobs/${digest}`, 200)).bytes()
  }

  async #again(step: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step()
      } catch (error) {
        if (attempt === MOST_ATTEMPTS) throw error
        this.retries += 1
        await Bun.sleep(PAUSE_MS * attempt)
      }
    }
  }

  async #ask(
    method: string,
    url: string,
    status: number,
    body?: Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const answer = await fetch(url, {
      method,
      headers: { ...this.#headers, ...headers },
      keepalive: false,
      ...(body && { body }),
    })
    if (answer.status === status) return answer
    throw new Failed(`${method} ${url}: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
  }
}

function locationOf(answer: Response, base: string): string {
  return new URL(answer.headers.get('location') ?? '', base).href
}
