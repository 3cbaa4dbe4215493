/** Bytes `start` to `end`, both included, both within the whole. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}
