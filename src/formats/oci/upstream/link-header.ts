/**
 * Where the next page is (RFC 8288; distribution-spec 1.1, "Listing Tags"), as path and query. A host in it is passed
 * over: behind a proxy registries often do not know their own name, and nobody but them is asked anyway.
 *
 * @returns null on the last page; undefined when the link cannot be read
 */
export function nextPage(headers: Headers, from: URL): string | null | undefined {
  const header = headers.get('link')
  if (header === null) return null
  for (const [, target = '', parameters = ''] of header.matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g)) {
    if (!/;\s*rel\s*=\s*"?(?:[\w.-]+\s+)*next(?:\s|"|;|$)/i.test(`${parameters};`)) continue
    const url = URL.parse(target, from.href)
    return url ? url.pathname + url.search : undefined
  }
  return null
}
