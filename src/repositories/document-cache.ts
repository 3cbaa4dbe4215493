import type { Digest } from '../core/digest.ts'

/** Documents by digest, in memory, the longest unused thrown out first. Keyed by digest, so it is never wrong. */
export class DocumentCache {
  readonly #documents = new Map<Digest, Uint8Array>()
  readonly #maxBytes: number
  #bytes = 0

  /** @param maxBytes  of documents; the keys come on top */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(digest: Digest): Uint8Array | undefined {
    const found = this.#documents.get(digest)
    if (found && this.#bytes > this.#maxBytes / 2) {
      // A map keeps the order of insertion: taking it out and in makes it the youngest. Not worth it when half empty.
      this.#documents.delete(digest)
      this.#documents.set(digest, found)
    }
    return found
  }

  add(digest: Digest, document: Uint8Array): void {
    if (document.byteLength > this.#maxBytes / 8 || this.#documents.has(digest)) return
    this.#documents.set(digest, document)
    this.#bytes += document.byteLength
    for (const [oldest, bytes] of this.#documents) {
      if (this.#bytes <= this.#maxBytes) break
      this.#documents.delete(oldest)
      this.#bytes -= bytes.byteLength
    }
  }
}
