import { LayerRefusal } from './layer-refusal.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads the records of a PAX header, `<length> <key>=<value>\n` each (POSIX.1-2017 pax, "pax Header Block").
 *
 * A record with an empty value takes an earlier one back, as Go's reader does.
 * @throws LayerRefusal when a record's length does not lead to its end
 */
export function parsePaxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>()
  let offset = 0
  while (offset < bytes.length) {
    const space = bytes.indexOf(32, offset)
    const length = space < 0 ? Number.NaN : parseLength(bytes.subarray(offset, space))
    const end = offset + length
    if (!(end <= bytes.length) || end <= space + 1 || bytes[end - 1] !== 10) {
      throw new LayerRefusal('holds a damaged PAX header')
    }
    const record = decoder.decode(bytes.subarray(space + 1, end - 1))
    const equals = record.indexOf('=')
    if (equals <= 0) throw new LayerRefusal('holds a damaged PAX header')
    setRecord(records, record.slice(0, equals), record.slice(equals + 1))
    offset = end
  }
  return records
}

function setRecord(records: Map<string, string>, key: string, value: string): void {
  if (value === '') records.delete(key)
  else records.set(key, value)
}

function parseLength(bytes: Uint8Array): number {
  const digits = decoder.decode(bytes.subarray(0, 12))
  return bytes.length <= 11 && /^\d+$/.test(digits) ? Number(digits) : Number.NaN
}
