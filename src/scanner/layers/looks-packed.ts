import { BLOCK_BYTES, isTarHeader } from './tar-header.ts'

/** First bytes of what runtimes unpack before they look for a tar: gzip, zstd, bzip2, xz. */
const PACKED = ['1f8b', '28b52ffd', '425a68', 'fd377a585a00'] as const

/** A zstd stream may begin with a frame that is passed over (RFC 8878, 3.1.2): 0x184D2A50 to 0x184D2A5F. */
const SKIPPED_FRAME = /^5[0-9a-f]2a4d18/

/** Whether bytes that call themselves something else would be unpacked as a layer all the same. */
export function looksPacked(beginning: Uint8Array): boolean {
  const hex = Buffer.from(beginning.subarray(0, 8)).toString('hex')
  if (PACKED.some((magic) => hex.startsWith(magic)) || SKIPPED_FRAME.test(hex)) return true
  return beginning.byteLength >= BLOCK_BYTES && isTarHeader(beginning.subarray(0, BLOCK_BYTES))
}
