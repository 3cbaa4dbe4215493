/** Which proxy leads to a host. */
export interface Proxies {
  /** The proxy's address, perhaps with credentials; null to connect directly. */
  proxyFor(url: URL): string | null
}

/** No proxy at all. */
export const NO_PROXIES: Proxies = { proxyFor: () => null }

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as curl and Go do; the lower-case names come first.
 *
 * In `NO_PROXY`, `*` stands for every host, a name for itself and all below it, and both may have a port.
 */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies {
  const value = (name: string) => env[name.toLowerCase()] || env[name] || null
  const proxies = { 'https:': value('HTTPS_PROXY'), 'http:': value('HTTP_PROXY') }
  const exceptions = (value('NO_PROXY') ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
  return {
    proxyFor(url) {
      if (exceptions.some((entry) => isExcepted(url, entry.toLowerCase()))) return null
      const proxy = url.protocol === 'https:' ? proxies['https:'] : proxies['http:']
      return proxy === null || proxy.includes('://') ? proxy : `http://${proxy}`
    },
  }
}

function isExcepted(url: URL, entry: string): boolean {
  if (entry === '*') return true
  const [, name = '', port] = /^(?:\*?\.)?(.+?)(?::(\d+))?$/.exec(entry) ?? []
  if (port !== undefined && port !== portOf(url)) return false
  return url.hostname === name || url.hostname.endsWith(`.${name}`)
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80')
}
