import { LayerRefusal } from './layer-refusal.ts'

/** Everything in a tar comes in blocks of this many bytes (POSIX.1-2017 pax, "ustar Interchange Format"). */
export const BLOCK_BYTES = 512

/** One header block as it stands, before long names and PAX records are applied. */
export interface TarHeader {
  readonly type: string
  readonly name: string
  readonly linkName: string
  /** Bytes of content that follow, by this header alone. */
  readonly size: number
  readonly deviceMajor: number
  readonly deviceMinor: number
  /** An old GNU sparse header goes on in another block. */
  readonly continues: boolean
}

const SPACE = 32
const ZERO = 48
const SEVEN = 55

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** @throws LayerRefusal when a number in it is none */
export function parseTarHeader(block: Uint8Array): TarHeader {
  const format = formatOf(block)
  const prefix = prefixOf(block, format)
  const name = text(block, 0, 100)
  const type = String.fromCharCode(block[156] ?? 0)
  const hasDevice = format !== 'v7' && (type === '3' || type === '4')
  return {
    type,
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    size: parseNumber(block, 124, 12),
    // The oldest headers have no such fields, and runtimes make the device 0:0 of them.
    deviceMajor: hasDevice ? parseNumber(block, 329, 8) : 0,
    deviceMinor: hasDevice ? parseNumber(block, 337, 8) : 0,
    continues: type === 'S' && block[482] !== 0,
  }
}

type Format = 'posix' | 'star' | 'gnu' | 'v7'

function formatOf(block: Uint8Array): Format {
  const magic = decoder.decode(block.subarray(257, 265))
  if (magic.startsWith('ustar\0')) return decoder.decode(block.subarray(508, 512)) === 'tar\0' ? 'star' : 'posix'
  return magic === 'ustar  \0' ? 'gnu' : 'v7'
}

/** Where the first part of a long name stands. Go wrote it into GNU's headers once, over two times, and still reads it. */
function prefixOf(block: Uint8Array, format: Format): string {
  if (format === 'v7' || (format === 'gnu' && isTime(block, 345) && isTime(block, 357))) return ''
  const prefix = text(block, 345, format === 'star' ? 131 : 155)
  return format === 'gnu' && !/^[\0-\x7f]*$/.test(prefix) ? '' : prefix
}

function isTime(block: Uint8Array, offset: number): boolean {
  const first = block[offset] ?? 0
  if (first === 0) return true
  if ((first & 0x80) === 0) return octal(block, offset, 12) !== null
  // 64 bits with a sign: what stands before them must only carry it on (base-256)
  const high = block.subarray(offset, offset + 4)
  const sign = (first & 0x40) === 0 ? 0x80 : 0xff
  return (
    high.every((byte, at) => byte === (at === 0 ? sign : sign === 0xff ? 0xff : 0)) && isCarried(block, offset, sign)
  )
}

function isCarried(block: Uint8Array, offset: number, sign: number): boolean {
  return ((block[offset + 4] ?? 0) & 0x80) === (sign === 0xff ? 0x80 : 0)
}

/** The end of an archive is marked by blocks of zeros. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

/** A header holds the sum of its bytes, the sum's own field taken as spaces; some old writers summed signed bytes. */
export function isTarHeader(block: Uint8Array): boolean {
  const expected = octal(block, 148, 8)
  if (expected === null) return false
  let unsigned = 0
  let signed = 0
  for (let index = 0; index < BLOCK_BYTES; index++) {
    const byte = index >= 148 && index < 156 ? 32 : (block[index] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  return expected === unsigned || expected === signed
}

/** Up to the first NUL, or the whole field. Most fields of most headers are empty, which is worth a look. */
function text(block: Uint8Array, offset: number, length: number): string {
  let end = offset
  while (end < offset + length && block[end] !== 0) end++
  return end === offset ? '' : decoder.decode(block.subarray(offset, end))
}

/** Octal digits with spaces and NULs around them, up to the first NUL; an empty field is 0. Null for anything else. */
function octal(block: Uint8Array, offset: number, length: number): number | null {
  let start = offset
  let end = offset + length
  while (start < end && isBlank(block[start])) start++
  while (end > start && isBlank(block[end - 1])) end--
  let value = 0
  for (let index = start; index < end; index++) {
    const byte = block[index] ?? 0
    if (byte === 0) break
    if (byte < ZERO || byte > SEVEN) return null
    value = value * 8 + byte - ZERO
  }
  return value
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0
}

/** Octal text, or binary with the top bit set for what octal cannot hold ("base-256", GNU and star). */
function parseNumber(block: Uint8Array, offset: number, length: number): number {
  const isBinary = ((block[offset] ?? 0) & 0x80) !== 0
  const value = isBinary ? base256(block.subarray(offset, offset + length)) : octal(block, offset, length)
  if (value === null || !Number.isSafeInteger(value)) {
    throw new LayerRefusal('holds a tar header with an impossible number')
  }
  return value
}

function base256(field: Uint8Array): number | null {
  const first = field[0] ?? 0
  if (first & 0x40) return null // negative: nothing we read can be
  let value = first & 0x3f
  for (const byte of field.subarray(1)) {
    value = value * 256 + byte
    if (value > Number.MAX_SAFE_INTEGER) return null
  }
  return value
}
