import { inflateRawSync } from 'node:zlib'

/** One file out of a zip archive. */
export type ZipEntry =
  | { readonly state: 'found'; readonly bytes: Uint8Array }
  | { readonly state: 'absent' }
  | { readonly state: 'damaged' }

const END_RECORD = 0x06054b50
const CENTRAL_RECORD = 0x02014b50
const LOCAL_RECORD = 0x04034b50
/** The end record's own 22 bytes and the longest comment behind it. */
const END_SEARCH_BYTES = 22 + 0xffff

/**
 * Reads one file from a zip archive in memory, by its central directory (APPNOTE.TXT 4.3); no zip64, no encryption.
 *
 * @param maxBytes  larger files are `damaged` to us
 */
export function readZipEntry(zip: Uint8Array, name: string, maxBytes: number): ZipEntry {
  try {
    return find(new DataView(zip.buffer, zip.byteOffset, zip.byteLength), zip, name, maxBytes)
  } catch {
    return { state: 'damaged' } // an offset out of the archive, or content that does not inflate
  }
}

function find(view: DataView, zip: Uint8Array, name: string, maxBytes: number): ZipEntry {
  const end = findEnd(view)
  if (end < 0) return { state: 'damaged' }
  let offset = view.getUint32(end + 16, true)
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(offset, true) !== CENTRAL_RECORD) return { state: 'damaged' }
    const nameLength = view.getUint16(offset + 28, true)
    const entryName = new TextDecoder().decode(zip.subarray(offset + 46, offset + 46 + nameLength))
    if (entryName === name) return read(view, zip, offset, maxBytes)
    offset += 46 + nameLength + view.getUint16(offset + 30, true) + view.getUint16(offset + 32, true)
  }
  return { state: 'absent' }
}

function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_SEARCH_BYTES)
  for (let offset = view.byteLength - 22; offset >= first; offset--) {
    if (view.getUint32(offset, true) === END_RECORD) return offset
  }
  return -1
}

function read(view: DataView, zip: Uint8Array, central: number, maxBytes: number): ZipEntry {
  const method = view.getUint16(central + 10, true)
  const packedSize = view.getUint32(central + 20, true)
  const local = view.getUint32(central + 42, true)
  if (view.getUint32(local, true) !== LOCAL_RECORD) return { state: 'damaged' }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  const packed = zip.subarray(start, start + packedSize)
  if (packed.length < packedSize || packedSize > maxBytes) return { state: 'damaged' }
  if (method === 0) return { state: 'found', bytes: packed }
  if (method !== 8) return { state: 'damaged' }
  return { state: 'found', bytes: inflateRawSync(packed, { maxOutputLength: maxBytes }) }
}
