import { Secret } from './secret.ts'

/** Which engine keeps the names, and where. */
export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** `url` is a secret as it may hold the password. */
  | { readonly kind: 'postgres'; readonly url: Secret }

/**
 * Reads `sqlite:<path>` or `postgres://user:password@host/database`.
 *
 * @throws Error with a sentence for people
 */
export function parseDatabaseAddress(text: string): DatabaseAddress {
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', path: parseLocalPath(text, 'sqlite:') }
  if (!/^postgres(?:ql)?:\/\//.test(text)) {
    throw new Error('must be sqlite:<path> or postgres://user:password@host:port/database')
  }
  const url = URL.parse(text)
  if (url === null)
    throw new Error('is no URL; characters such as @ / : # in the password are written as %40 %2F %3A %23')
  if (url.hostname === '') throw new Error('names no host')
  if (url.pathname.length < 2) throw new Error('names no database: postgres://user:password@host:port/database')
  return { kind: 'postgres', url: new Secret(text) }
}

/** What `parseDatabaseAddress` reads, password and all: only for a process that this one has started. */
export function revealDatabaseAddress(address: DatabaseAddress): string {
  return address.kind === 'sqlite' ? `sqlite:${address.path}` : address.url.reveal()
}

/** `disk:./data`, `disk:/srv/data` and `disk:///srv/data` all name a path. */
export function parseLocalPath(text: string, scheme: string): string {
  const rest = text.slice(scheme.length)
  if (rest.startsWith('//') && !rest.startsWith('///')) {
    throw new Error(`names a host: write ${scheme}<path>, such as ${scheme}./data/x or ${scheme}/srv/seawall/x`)
  }
  const path = rest.replace(/^\/\/+/, '/')
  if (path === '') throw new Error(`names no path after "${scheme}"`)
  if (path === ':memory:') throw new Error('would forget everything when the program ends; name a file')
  return path
}
