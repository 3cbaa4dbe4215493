import { connect, createServer, type Server, type Socket } from 'node:net'

/** Where the connection breaks. */
export interface Cut {
  /** `up`: what the client sends, as in a push; `down`: what it gets, as in a pull. */
  readonly direction: 'up' | 'down'
  /** Bytes of one connection in that direction after which it breaks. */
  readonly afterBytes: number
}

/** A TCP relay that breaks one connection in the middle, once, as a bad network does. */
export interface CuttingProxy {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** How often it has cut: 0 or 1. */
  readonly cuts: number
  /** Bytes that went through in the direction of the cut, over all connections. */
  readonly bytes: number
  stop(): Promise<void>
}

/** @param target  `127.0.0.1:PORT` of the server behind */
export async function startCuttingProxy(target: string, cut: Cut): Promise<CuttingProxy> {
  const [hostname, port] = target.split(':')
  const open = new Set<Socket>()
  let cuts = 0
  let bytes = 0

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    const both = [client, upstream]
    for (const socket of both) {
      open.add(socket)
      const other = socket === client ? upstream : client
      socket.on('error', () => other.destroy())
      // what one side has sent before it closed still goes to the other
      socket.on('close', () => open.delete(socket) && other.destroySoon())
    }
    let seen = 0
    const watched = cut.direction === 'up' ? client : upstream
    watched.on('data', (chunk: Buffer) => {
      seen += chunk.length
      bytes += chunk.length
      if (seen < cut.afterBytes || cuts > 0) return
      cuts += 1
      for (const socket of both) socket.resetAndDestroy()
    })
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    host: `127.0.0.1:${portOf(server)}`,
    get cuts() {
      return cuts
    },
    get bytes() {
      return bytes
    },
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no TCP port')
  return address.port
}
