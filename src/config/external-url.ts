/**
 * Reads the origin that clients see, such as `https://registry.example.com`.
 *
 * @throws Error with a sentence for people; a path is refused, as the API stands at `/v2/` of its host
 *   (distribution-spec 1.1, "Determining support")
 */
export function parseExternalUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error('must begin with https:// or http://, such as https://registry.example.com')
  }
  if (url.username !== '' || url.password !== '') throw new Error('must not hold a user or a password')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Error(`must have no path: clients look for /v2/ at the root of the host; write ${url.origin}`)
  }
  return url.origin
}
