import { UsageError } from './usage-error.ts'

/** Nobody listens to what never leaves the machine (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3). */
const LOOPBACK = /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads the address of a server as people write it, `registry.example.com`, `127.0.0.1:5000` or a whole URL.
 *
 * @returns its origin; without a scheme that is http for this machine and https for any other
 * @throws UsageError
 */
export function parseServerAddress(text: string): string {
  const hasScheme = text.includes('://')
  const url = URL.parse(hasScheme ? text : `https://${text}`)
  const isBare = url && url.pathname === '/' && url.search === '' && url.hash === ''
  if (!url || !isBare || url.username !== '' || url.password !== '' || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `"${text}" is not the address of a server: write registry.example.com or https://registry.example.com:5000`,
    )
  }
  if (!hasScheme && LOOPBACK.test(url.hostname)) return new URL(`http://${text}`).origin
  return url.origin
}

/** The part of an address that stands in front of an image's name. */
export function hostOf(server: string): string {
  return new URL(server).host
}
