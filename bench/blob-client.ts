import type { FreshBlob } from './blob-source.ts'
import type { RunningContender, TaggedManifest } from './contender.ts'
import { HttpConnection, type RawAnswer, type RawRequest } from './http-connection.ts'
import { authorization } from './push-image.ts'

/** A client with one connection, signed in to push to one image. */
export class BlobClient {
  readonly #connection: HttpConnection
  readonly #image: string
  readonly #headers: Readonly<Record<string, string>>

  private constructor(connection: HttpConnection, image: string, headers: Readonly<Record<string, string>>) {
    this.#connection = connection
    this.#image = image
    this.#headers = headers
  }

  /** Signing in is no part of what is measured: a client does that once for all it pushes. */
  static async several(count: number, running: RunningContender, image: string): Promise<BlobClient[]> {
    const headers = await authorization(running.account, `/v2/${image}/blobs/uploads/`, 'POST')
    const connections = await Promise.all(Array.from({ length: count }, () => HttpConnection.open(running.url)))
    return connections.map((connection) => new BlobClient(connection, image, headers))
  }

  /** In two requests, as most clients push. */
  async push(blob: FreshBlob): Promise<void> {
    const place = await this.#begin()
    const body = { bytes: blob.bytes, pieces: blob.pieces() }
    await this.#expect(201, { method: 'PUT', path: ending(place, blob.digest), headers: this.#blobHeaders(), body })
  }

  /** `POST`, a `PATCH` per chunk, and an empty `PUT`. @param chunkBytes  of each but the last */
  async pushInChunks(blob: FreshBlob, chunkBytes: number): Promise<void> {
    let place = await this.#begin()
    for (let from = 0; from < blob.bytes; from += chunkBytes) {
      const to = Math.min(from + chunkBytes, blob.bytes)
      const headers = { ...this.#blobHeaders(), 'content-range': `${from}-${to - 1}` }
      const body = { bytes: to - from, pieces: blob.pieces(from, to) }
      place = locationOf(await this.#expect(202, { method: 'PATCH', path: place, headers, body }))
    }
    await this.#expect(201, { method: 'PUT', path: ending(place, blob.digest), headers: this.#headers })
  }

  async pushManifest({ bytes, mediaType }: TaggedManifest, reference: string): Promise<void> {
    const headers = { ...this.#headers, 'content-type': mediaType }
    const body = { bytes: bytes.length, pieces: [bytes] }
    await this.#expect(201, { method: 'PUT', path: `/v2/${this.#image}/manifests/${reference}`, headers, body })
  }

  /** @param path  below the image's own: `manifests/<tag>` */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#expect(200, {
      method: 'GET',
      path: `/v2/${this.#image}/${path}`,
      headers: { ...this.#headers, ...headers },
    })
  }

  close(): void {
    this.#connection.close()
  }

  async #begin(): Promise<string> {
    const path = `/v2/${this.#image}/blobs/uploads/`
    return locationOf(await this.#expect(202, { method: 'POST', path, headers: this.#headers }))
  }

  #blobHeaders(): Record<string, string> {
    return { ...this.#headers, 'content-type': 'application/octet-stream' }
  }

  async #expect(status: number, request: RawRequest): Promise<RawAnswer> {
    const answer = await this.#connection.send(request)
    if (answer.status === status) return answer
    throw new Error(`${request.method} ${request.path} was answered with ${answer.status}`)
  }
}

/** Lets every client work; in the end, and when one fails, the connections of all are closed. */
export async function allOrClosed(
  clients: readonly BlobClient[],
  work: (client: BlobClient, position: number) => Promise<void>,
): Promise<void> {
  try {
    await Promise.all(clients.map(work))
  } finally {
    for (const client of clients) client.close()
  }
}

/** Relative, or with a host. */
function locationOf({ location }: RawAnswer): string {
  if (location === null) throw new Error('an answer without a Location')
  const { pathname, search } = new URL(location, 'http://nowhere')
  return pathname + search
}

function ending(place: string, digest: string): string {
  return `${place}${place.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
}
