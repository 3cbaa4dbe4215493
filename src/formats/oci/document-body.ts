/** As long as the document itself is held, and no longer. */
const bodies = new WeakMap<Uint8Array, Blob>()

/**
 * A document as a response's body. A `Blob` is shared by all responses, where an array of bytes is copied for each: on
 * the hottest path that is a tenth of the work, and garbage outside the heap that the collector sees late.
 */
export function documentBody(document: Uint8Array): Blob {
  const held = bodies.get(document)
  if (held) return held
  const body = new Blob([document])
  bodies.set(document, body)
  return body
}
