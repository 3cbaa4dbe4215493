/** A blob that nobody has seen before, in pieces; all blobs of a source share their memory. */
export interface FreshBlob {
  readonly digest: string
  readonly bytes: number
  /** The same bytes at every call. @param from  in bytes, counted from 0 */
  pieces(from?: number, to?: number): Iterable<Uint8Array>
}

const BLOCK_BYTES = 1_000_000
const STAMP_BYTES = 64

/**
 * Makes blobs of one size that differ only in their last bytes: so the hash of what comes before is worked out once, and
 * a gigabyte takes the memory of one block.
 */
export class BlobSource {
  readonly #size: number
  readonly #block = randomBlock()
  readonly #hash = new Bun.CryptoHasher('sha256')

  constructor(size: number) {
    if (size <= STAMP_BYTES) throw new RangeError(`a blob of ${size} bytes has no room for its stamp`)
    this.#size = size
    for (const piece of this.#common(0, size - STAMP_BYTES)) this.#hash.update(piece)
  }

  next(): FreshBlob {
    const stamp = crypto.getRandomValues(new Uint8Array(STAMP_BYTES))
    const digest = `sha256:${this.#hash.copy().update(stamp).digest('hex')}`
    const end = this.#size - STAMP_BYTES
    const common = (from: number, to: number) => this.#common(from, to)
    return {
      digest,
      bytes: this.#size,
      *pieces(from = 0, to = end + STAMP_BYTES) {
        yield* common(from, Math.min(to, end))
        if (to > end) yield stamp.subarray(Math.max(0, from - end), to - end)
      },
    }
  }

  *#common(from: number, to: number): Iterable<Uint8Array> {
    for (let at = from; at < to; ) {
      const start = at % BLOCK_BYTES
      const piece = this.#block.subarray(start, Math.min(BLOCK_BYTES, start + to - at))
      at += piece.length
      yield piece
    }
  }
}

function randomBlock(): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  for (let at = 0; at < block.length; at += 65_536) crypto.getRandomValues(block.subarray(at, at + 65_536))
  return block
}
