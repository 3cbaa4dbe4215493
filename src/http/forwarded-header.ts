/** One proxy's word on the request it passed on (RFC 7239, section 4). */
export interface ForwardedElement {
  readonly for?: string
  readonly proto?: string
  readonly host?: string
}

/** `name=token` or `name="quoted"`, then what separates it from the next (RFC 7239, section 4). */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y

/** Reads a `Forwarded` header, the nearest proxy last. A header that is not well formed says nothing: null. */
export function parseForwarded(header: string): ForwardedElement[] | null {
  const elements: ForwardedElement[] = []
  let element: Record<string, string> = {}
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < header.length) {
    const match = PAIR.exec(header)
    if (match === null) return null
    const name = (match[1] ?? '').toLowerCase()
    if (Object.hasOwn(element, name)) return null // each parameter at most once (section 4)
    element[name] = match[2] ?? (match[3] ?? '').replaceAll(/\\(.)/g, '$1')
    if (match[4] === ';') continue
    elements.push(element)
    element = {}
  }
  return elements
}
