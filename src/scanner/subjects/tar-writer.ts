import { UNREADABLE_RECORD } from '../layers/tar-entry.ts'
import { BLOCK_BYTES } from '../layers/tar-header.ts'

/** An entry to write; content may be absent for files whose bytes nobody will look at. */
export interface TarFile {
  readonly type: 'file' | 'folder' | 'link'
  readonly path: string
  readonly target?: string
  readonly content?: Uint8Array
  readonly isUnreadable?: boolean
}

/** The bytes of one entry: a PAX header where the path or the target needs one, a ustar header, the content. */
export function tarEntry(file: TarFile): Uint8Array {
  const content = file.content ?? new Uint8Array()
  const records = paxRecords(file)
  const parts = records === '' ? [] : [header('x', 'pax', '', Buffer.byteLength(records)), padded(Buffer.from(records))]
  const type = { file: '0', folder: '5', link: '2' }[file.type]
  parts.push(header(type, file.path, file.target ?? '', content.length), padded(content))
  return Buffer.concat(parts)
}

/** The two blocks of zeros behind the last entry. */
export const TAR_END = new Uint8Array(2 * BLOCK_BYTES)

function paxRecords(file: TarFile): string {
  const records: string[] = []
  if (!fits(file.path)) records.push(paxRecord('path', file.path))
  if (file.target !== undefined && !fits(file.target)) records.push(paxRecord('linkpath', file.target))
  if (file.isUnreadable) records.push(paxRecord(UNREADABLE_RECORD, '1'))
  return records.join('')
}

/** What the 100 bytes of the old header hold safely. */
function fits(name: string): boolean {
  return name.length <= 100 && /^[\x20-\x7e]*$/.test(name)
}

/** The length in front counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + String(bytes).length
  if (String(length).length > String(bytes).length) length = bytes + String(length).length
  return `${length}${rest}`
}

function header(type: string, path: string, target: string, size: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(fits(path) ? path : path.slice(0, 1), 0, 100)
  block.write('0000644\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('00000000000\0', 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(fits(target) ? target : '', 157, 100)
  block.write('ustar\x0000', 257)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function padded(content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil(content.length / BLOCK_BYTES) * BLOCK_BYTES)
  bytes.set(content)
  return bytes
}
