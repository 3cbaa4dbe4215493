import type { ByteRange } from '../../core/byte-range.ts'
import { RegistryError } from '../../core/errors.ts'

/** However many digits: an end beyond the blob means its end (RFC 9110, 14.1.2). */
const ONE_RANGE = /^bytes=(\d{0,30})-(\d{0,30})$/

/**
 * Reads a `Range` header (RFC 9110, 14.2). Several ranges, or another unit, are ignored: the whole is answered.
 *
 * @returns null when the whole is wanted
 * @throws RegistryError `RANGE_INVALID` when nothing of the blob lies in it
 */
export function parseByteRange(header: string | null, size: number): ByteRange | null {
  const match = header === null ? null : ONE_RANGE.exec(header.trim())
  if (!match) return null
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return null
  const range = first === '' ? suffix(Number(last), size) : { start: Number(first), end: endOf(last, size) }
  if (range.start > range.end || range.start >= size) throw new RegistryError('RANGE_INVALID', { size })
  return range
}

function suffix(length: number, size: number): ByteRange {
  return { start: Math.max(0, size - length), end: length === 0 ? -1 : size - 1 }
}

function endOf(last: string, size: number): number {
  return last === '' ? size - 1 : Math.min(Number(last), size - 1)
}
