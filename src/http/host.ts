/** `uri-host [":" port]` (RFC 9110, section 7.2), without the escapes and marks that no host name has. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/

/** Whether a text may stand as the host of a URL that is given to clients. */
export function isHost(text: string): boolean {
  const match = HOST.exec(text)
  return match !== null && (match[1] === undefined || Number(match[1]) <= 65_535) && hasGoodAddress(text)
}

/** Brackets hold an IPv6 address; the pattern alone lets `[:::::]` through. */
function hasGoodAddress(text: string): boolean {
  return !text.startsWith('[') || URL.canParse(`http://${text}/`)
}
