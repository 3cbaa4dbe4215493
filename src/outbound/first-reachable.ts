import { connect, type Socket } from 'node:net'

/** Head start of each address before the next is tried as well (RFC 8305, section 5). */
const HEAD_START_MS = 250

/**
 * The first of several addresses that takes a connection, in the spirit of happy eyeballs; the connection is closed
 * again at once, as the runtime's HTTP client cannot be handed one.
 *
 * @throws the first refusal when all refuse, or an error with the code `ETIMEDOUT` after `timeoutMs`
 */
export function firstReachable(addresses: readonly string[], port: number, timeoutMs: number): Promise<string> {
  const sockets: Socket[] = []
  const timers: Timer[] = []
  const attempts = Promise.withResolvers<string>()
  let refusals = 0
  const attempt = (address: string) => {
    const socket = connect({ host: address, port })
    sockets.push(socket)
    socket.once('connect', () => attempts.resolve(address))
    socket.once('error', (error) => {
      refusals += 1
      if (refusals === addresses.length) attempts.reject(error)
    })
  }
  for (const [at, address] of addresses.entries()) {
    if (at === 0) attempt(address)
    else timers.push(setTimeout(() => attempt(address), at * HEAD_START_MS))
  }
  const late = Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })
  timers.push(setTimeout(() => attempts.reject(late), timeoutMs))
  return attempts.promise.finally(() => {
    for (const timer of timers) clearTimeout(timer)
    for (const socket of sockets) socket.destroy()
  })
}
