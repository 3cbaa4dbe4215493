import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A connection on which a test says exactly what it means to: paths that a URL parser would tidy, lengths that lie,
 * bodies that stop in the middle.
 */
export class RawConnection {
  readonly #socket: Socket
  #received = ''
  #ended: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      this.#received += text
    })
    socket.on('error', () => {}) // a server may well slam the door on what is sent here
    this.#ended = new Promise((resolve) => socket.on('close', () => resolve()))
  }

  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new RawConnection(socket)))
      socket.once('error', reject)
    })
  }

  /** Writes a request's head: `lines` are its headers; `host` is added. */
  head(method: string, target: string, lines: readonly string[] = []): void {
    this.#socket.write([`${method} ${target} HTTP/1.1`, 'host: registry.test', ...lines, '', ''].join('\r\n'), 'latin1')
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Goes away without a word, as a client does that was killed. */
  vanish(): void {
    this.#socket.resetAndDestroy()
  }

  /** Says that nothing more will come, and listens on. */
  finish(): void {
    this.#socket.end()
  }

  /** @param hasBody  false for the answer to HEAD, whose length tells of something that does not come
   * @returns the first answer, once the server has closed the connection or has sent all that it announced. */
  async answer(hasBody = true): Promise<RawAnswer | null> {
    const deadline = Date.now() + 10_000
    for (let parsed = parseAnswer(this.#received, hasBody); ; parsed = parseAnswer(this.#received, hasBody)) {
      if (parsed !== null) return parsed
      const closed = await Promise.race([this.#ended.then(() => true), Bun.sleep(20).then(() => false)])
      if (closed || Date.now() > deadline) return parseAnswer(this.#received, hasBody)
    }
  }
}

function parseAnswer(received: string, hasBody: boolean): RawAnswer | null {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [first = '', ...lines] = received.slice(0, end).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines)
    headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim()
  const status = Number(first.split(' ')[1])
  const body = received.slice(end + 4)
  if (status === 100) return parseAnswer(body, hasBody)
  const length = hasBody ? Number(headers['content-length'] ?? 0) : 0
  return body.length >= length ? { status, headers, body } : null
}

/** One request without a body, on a connection of its own. */
export async function askRaw(
  url: string,
  method: string,
  target: string,
  lines: readonly string[] = [],
): Promise<RawAnswer | null> {
  const connection = await RawConnection.open(url)
  connection.head(method, target, ['connection: close', ...lines])
  const answer = await connection.answer(method !== 'HEAD')
  connection.vanish()
  return answer
}
