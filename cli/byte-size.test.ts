import { describe, expect, it } from 'bun:test'
import { formatBytes, parseByteSize } from './byte-size.ts'

describe('a size', () => {
  it.each([
    ['0', 0],
    ['1000000', 1_000_000],
    ['20GB', 20_000_000_000],
    ['20 gb', 20_000_000_000],
    ['1.5TiB', 1_649_267_441_664],
    ['512KiB', 524_288],
    ['1kB', 1000],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes)
  })

  it.each(['', 'GB', '-1', '1e9', '20XB', '1,5GB', '99999999TB', '1.GB', '0x10', 'none'])('is not %j', (text) => {
    expect(() => parseByteSize(text)).toThrow('is no size')
  })

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [20_000_000_000, '20.0 GB'],
  ])('%d is shown as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})
