import type { Socket } from 'bun'

/** A request, and what its body is made of. */
export interface RawRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent piece by piece; never copied. */
  readonly body?: { readonly bytes: number; readonly pieces: Iterable<Uint8Array> }
}

/** An answer; its body is counted and thrown away. */
export interface RawAnswer {
  readonly status: number
  readonly location: string | null
  readonly bodyBytes: number
}

interface Exchange {
  readonly isHead: boolean
  readonly resolve: (answer: RawAnswer) => void
  readonly reject: (error: Error) => void
}

/**
 * A connection that speaks just enough of HTTP/1.1 to load a server: one request at a time, bodies of a known length.
 *
 * The load runs on the same cores as the server, so what a full client would spend on headers and copies is missing
 * from everybody's rate.
 */
export class HttpConnection {
  readonly #host: string
  #socket: Socket | null = null
  #exchange: Exchange | null = null
  #pieces: Iterator<Uint8Array> | null = null
  #unsent: Uint8Array | null = null
  #head = ''
  #answer: Omit<RawAnswer, 'bodyBytes'> | null = null
  #bodyLength = 0
  #received = 0

  private constructor(host: string) {
    this.#host = host
  }

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(url)
    const connection = new HttpConnection(host)
    connection.#socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, chunk) => connection.#take(chunk),
        drain: () => connection.#write(),
        close() {
          connection.#socket = null
          connection.#fail(new Error(`${host} closed the connection`))
        },
        error: (_, error) => connection.#fail(error),
      },
    })
    return connection
  }

  send({ method, path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
    if (this.#exchange) throw new Error('one request at a time')
    if (!this.#socket) return Promise.reject(new Error(`the connection to ${this.#host} is closed`))
    const lines = Object.entries({ host: this.#host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    const length = body || method === 'POST' || method === 'PUT' ? `content-length: ${body?.bytes ?? 0}\r\n` : ''
    this.#unsent = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n`)
    this.#pieces = body?.pieces[Symbol.iterator]() ?? null
    this.#head = ''
    this.#answer = null
    this.#received = 0
    return new Promise((resolve, reject) => {
      this.#exchange = { isHead: method === 'HEAD', resolve, reject }
      this.#write()
    })
  }

  close(): void {
    this.#exchange = null
    this.#socket?.end()
  }

  #write(): void {
    while (this.#socket) {
      if (!this.#unsent) {
        const next = this.#pieces?.next()
        if (!next || next.done) return
        this.#unsent = next.value
      }
      const written = this.#socket.write(this.#unsent)
      if (written < 0) return
      this.#unsent = written < this.#unsent.length ? this.#unsent.subarray(written) : null
      if (this.#unsent) return
    }
  }

  #take(chunk: Uint8Array): void {
    if (!this.#exchange) return
    if (this.#answer) this.#received += chunk.length
    else this.#takeHead(chunk)
    if (this.#answer && this.#received >= this.#bodyLength) this.#finish({ ...this.#answer, bodyBytes: this.#received })
  }

  #takeHead(chunk: Uint8Array): void {
    this.#head += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#head.slice(0, end)
    const status = Number(head.slice(9, 12))
    this.#received = this.#head.length - end - 4
    this.#answer = { status, location: headerOf(head, 'location') }
    const isEmpty = this.#exchange?.isHead || status === 204 || status === 304
    const length = headerOf(head, 'content-length')
    this.#bodyLength = isEmpty ? 0 : Number(length)
    if (!isEmpty && length === null) this.#fail(new Error(`an answer of unknown length:\n${head}`))
  }

  #finish(answer: RawAnswer): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.resolve(answer)
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.reject(error)
  }
}

function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(head)?.[1] ?? null
}
