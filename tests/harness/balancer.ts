import { connect, createServer, type Socket } from 'node:net'

/** A plain TCP balancer: each connection goes to the next server in turn, or to the one after it where nobody listens. */
export interface Balancer {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Connections that each server has had, in the order of `targets`. */
  readonly connections: readonly number[]
  stop(): Promise<void>
}

/** @param targets  `127.0.0.1:PORT` of each server */
export async function startBalancer(targets: readonly string[]): Promise<Balancer> {
  const open = new Set<Socket>()
  const connections = targets.map(() => 0)
  let turn = 0

  const server = createServer({ pauseOnConnect: true }, (client) => {
    keep(client)
    void link(client, targets.length)
  })

  function keep(socket: Socket): void {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
  }

  /** @param attempts  servers that may still be tried */
  function link(client: Socket, attempts: number): void {
    const at = turn++ % targets.length
    const [hostname, port] = (targets[at] ?? '').split(':')
    const upstream = connect(Number(port), hostname)
    keep(upstream)
    upstream.once('error', () => {
      if (attempts > 1 && !client.destroyed) link(client, attempts - 1)
      else client.destroy()
    })
    upstream.once('connect', () => {
      connections[at] = (connections[at] ?? 0) + 1
      upstream.removeAllListeners('error')
      join(client, upstream)
    })
  }

  function join(client: Socket, upstream: Socket): void {
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      // what one side has sent before it closed still goes to the other
      one.on('close', () => other.destroySoon())
      one.pipe(other)
    }
    client.resume()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the balancer has no TCP port')
  return {
    host: `127.0.0.1:${address.port}`,
    connections,
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
