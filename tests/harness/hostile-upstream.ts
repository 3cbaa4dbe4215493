import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** A request as it came over the wire. */
export interface SeenRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Headers
  readonly body: string
}

/** What the server does with one request; it may do to the socket whatever it likes. */
export type Behaviour = (socket: Socket, request: SeenRequest) => void

/** A server that writes its answers byte for byte, as no honest one would. */
export interface HostileUpstream {
  readonly url: string
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly port: number
  readonly seen: SeenRequest[]
  /** Connections that are open now, and ones that there ever were. */
  readonly open: number
  readonly accepted: number
  /** Bytes that were written to all connections. */
  readonly sentBytes: number
  stop(): Promise<void>
}

/** How the server listens. */
export interface HostileOptions {
  /** In PEM; with them it speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string }
}

/** @param choose  what to do with a request; undefined is a 404 */
export async function startHostileUpstream(
  choose: (request: SeenRequest) => Behaviour | undefined,
  options: HostileOptions = {},
): Promise<HostileUpstream> {
  const sockets = new Set<Socket>()
  const seen: SeenRequest[] = []
  let accepted = 0
  let closedBytes = 0
  const serve = (socket: Socket) => {
    accepted += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      closedBytes += socket.bytesWritten
    })
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      for (let parsed = parseRequest(text); parsed; parsed = parseRequest(text)) {
        text = text.slice(parsed.length)
        seen.push(parsed.request)
        const behave = choose(parsed.request) ?? answers(404, { 'content-type': 'application/json' }, '{"errors":[]}')
        behave(socket, parsed.request)
      }
    })
  }
  const { tls } = options
  const server: NetServer = tls
    ? createTlsServer({ ...tls, ...(tls.ca !== undefined && { requestCert: true, rejectUnauthorized: true }) }, serve)
    : createServer(serve)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port')
  const { port } = address
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    seen,
    get open() {
      return sockets.size
    },
    get accepted() {
      return accepted
    },
    get sentBytes() {
      return [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closedBytes)
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function parseRequest(text: string): { request: SeenRequest; length: number } | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = new Headers(
    lines.map((line): [string, string] => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
  const length = Number(headers.get('content-length') ?? 0)
  const body = text.slice(end + 4, end + 4 + length)
  if (body.length < length) return null
  return { request: { method, path, headers, body }, length: end + 4 + length }
}

/** An honest answer: status, headers, length and body fit. The connection stays open. */
export function answers(
  status: number,
  headers: Record<string, string> = {},
  body: string | Uint8Array = '',
): Behaviour {
  return (socket, { method }) => {
    const bytes = Buffer.from(body)
    socket.write(head(status, { 'content-length': String(bytes.length), ...headers }))
    if (method !== 'HEAD') socket.write(bytes)
  }
}

/** Takes the request and says nothing. */
export const isSilent: Behaviour = () => {}

/** Writes these bytes as they are, and closes when told so. */
export function writes(text: string, then: 'close' | 'reset' | 'stay' = 'stay'): Behaviour {
  return (socket) => {
    socket.write(text)
    // a moment later, so that what was written arrives before the end does
    if (then === 'close') setTimeout(() => socket.end(), 20)
    if (then === 'reset') setTimeout(() => socket.resetAndDestroy(), 20)
  }
}

/** Announces `length` bytes, sends fewer and closes. */
export function closesEarly(
  length: number,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Behaviour {
  return (socket) => {
    socket.write(head(200, { ...headers, 'content-length': String(length) }))
    socket.write(body)
    setTimeout(() => socket.end(), 20)
  }
}

/** Sends the head and then a byte at a time. */
export function drips(everyMs: number, length: number, headers: Record<string, string> = {}): Behaviour {
  return (socket) => {
    socket.write(head(200, { ...headers, 'content-length': String(length) }))
    const timer = setInterval(() => socket.write('x'), everyMs)
    socket.on('close', () => clearInterval(timer))
  }
}

/** Writes `first` and then pieces without end, as fast as they are taken. */
export function floods(first: string, piece: Uint8Array): Behaviour {
  return (socket) => {
    socket.write(first)
    const flood = () => {
      while (!socket.destroyed && socket.write(piece)) {}
    }
    socket.on('drain', flood)
    flood()
  }
}

/** A body without end; `length` is what it announces, or null for chunks. */
export function floodsBody(length: number | null, headers: Record<string, string> = {}): Behaviour {
  const piece = new Uint8Array(65_536).fill(32)
  if (length !== null) return floods(head(200, { ...headers, 'content-length': String(length) }), piece)
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
  return floods(head(200, { ...headers, 'transfer-encoding': 'chunked' }), chunk)
}

export function redirects(location: string, status = 307): Behaviour {
  return answers(status, { location })
}

export function head(status: number, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n`
}
