/** Where the server takes connections. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/

/**
 * Reads `127.0.0.1:5000`, `[::1]:5000`, `localhost:0` (any free port) or `unix:/run/seawall.sock`.
 *
 * @throws Error with a sentence for people
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (path === '') throw new Error('names no path after "unix:"')
    return { kind: 'unix', path }
  }
  const match = HOST_PORT.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined) {
    throw new Error('must be host:port, such as 127.0.0.1:5000, [::1]:5000 or 0.0.0.0:5000 (every address)')
  }
  if (port > 65_535) throw new Error('names a port above 65535')
  return { kind: 'tcp', host, port }
}

/** The address as it is written in a URL or a setting. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
