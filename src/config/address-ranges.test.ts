import { describe, expect, it } from 'bun:test'
import { AddressRanges } from './address-ranges.ts'

describe('AddressRanges', () => {
  const ranges = new AddressRanges(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1', '0.0.0.0/32'])

  it.each([
    ['10.255.0.1', true],
    ['::ffff:10.1.2.3', true],
    ['11.0.0.1', false],
    ['192.168.1.7', true],
    ['192.168.1.8', false],
    ['fd12::1', true],
    ['fe80::1', false],
    ['::1', true],
    ['', false],
    ['unknown', false],
    ['10.0.0.1:80', false],
  ])('says of %p: %p', (address, expected) => {
    expect(ranges.includes(address)).toBe(expected)
  })

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'fd00::/129', '10.0.0.0/8/9', '', 'host'])('refuses %p', (text) => {
    expect(() => new AddressRanges([text])).toThrow('is neither an address nor a range')
  })
})
