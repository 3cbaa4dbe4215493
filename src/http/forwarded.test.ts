import { describe, expect, it } from 'bun:test'
import { AddressRanges } from '../config/address-ranges.ts'
import { originOf } from './forwarded.ts'
import { parseForwarded } from './forwarded-header.ts'
import { isHost } from './host.ts'

const PROXIES = new AddressRanges(['10.0.0.0/8', 'fd00::/8'])
const NOBODY = { secure: null, host: null }

describe('originOf', () => {
  it.each([
    ['nothing was forwarded', {}, { address: '10.0.0.1', ...NOBODY }],
    ['one proxy', { 'x-forwarded-for': '1.2.3.4' }, { address: '1.2.3.4', ...NOBODY }],
    [
      'one proxy that says all',
      { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'registry.example.com' },
      { address: '1.2.3.4', secure: true, host: 'registry.example.com' },
    ],
    [
      'a client that wrote the header first',
      { 'x-forwarded-for': '6.6.6.6, 1.2.3.4' },
      { address: '1.2.3.4', ...NOBODY },
    ],
    ['two named proxies', { 'x-forwarded-for': '1.2.3.4, 10.9.9.9' }, { address: '1.2.3.4', ...NOBODY }],
    ['only named proxies', { 'x-forwarded-for': '10.1.1.1, 10.9.9.9' }, { address: '10.1.1.1', ...NOBODY }],
    ['a port', { 'x-forwarded-for': '1.2.3.4:567' }, { address: '1.2.3.4', ...NOBODY }],
    ['IPv6 with a port', { 'x-forwarded-for': '[2001:db8::1]:567' }, { address: '2001:db8::1', ...NOBODY }],
    ['bare IPv6', { 'x-forwarded-for': '2001:db8::1' }, { address: '2001:db8::1', ...NOBODY }],
    ['no address', { 'x-forwarded-for': '1.2.3.4, unknown' }, { address: '10.0.0.1', ...NOBODY }],
    ['nonsense', { 'x-forwarded-for': '<script>, ,' }, { address: '10.0.0.1', ...NOBODY }],
    ['a scheme alone', { 'x-forwarded-proto': 'https' }, { address: '10.0.0.1', secure: true, host: null }],
    ['a list of schemes', { 'x-forwarded-proto': 'https, http' }, { address: '10.0.0.1', secure: true, host: null }],
    ['a strange scheme', { 'x-forwarded-proto': 'gopher' }, { address: '10.0.0.1', ...NOBODY }],
    ['a hostile host', { 'x-forwarded-host': 'evil.com/"><x' }, { address: '10.0.0.1', ...NOBODY }],
    ['Forwarded', { forwarded: 'for=1.2.3.4;proto=https;host=a.b' }, { address: '1.2.3.4', secure: true, host: 'a.b' }],
    [
      'Forwarded through two proxies, after words of the client',
      { forwarded: 'for=6.6.6.6;host=evil.com, for=1.2.3.4;proto=https;host=a.b, for="[fd00::5]:80";proto=http' },
      { address: '1.2.3.4', secure: true, host: 'a.b' },
    ],
    [
      'Forwarded with an obfuscated node',
      { forwarded: 'for=1.2.3.4, for=_hidden;proto=https' },
      { address: '10.0.0.1', secure: true, host: null },
    ],
    ['Forwarded that is broken', { forwarded: 'for=1.2.3.4;;=' }, { address: '10.0.0.1', ...NOBODY }],
    [
      'both headers: Forwarded may be the client’s own',
      { forwarded: 'for=6.6.6.6;proto=http', 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' },
      { address: '1.2.3.4', secure: true, host: null },
    ],
  ])('behind a named proxy: %s', (_, headers, expected) => {
    expect(originOf(new Headers(headers), '10.0.0.1', PROXIES)).toEqual(expected)
  })

  it.each(['1.2.3.4', '::1', '', 'unix'])('believes nothing that comes from %p', (peer) => {
    const headers = new Headers({
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      forwarded: 'for=6.6.6.6',
    })
    expect(originOf(headers, peer, PROXIES)).toEqual({ address: peer, ...NOBODY })
  })

  it('believes a peer on a socket file when it is named', () => {
    const origin = originOf(new Headers({ 'x-forwarded-for': '1.2.3.4' }), 'unix', new AddressRanges(['unix']))
    expect(origin.address).toBe('1.2.3.4')
  })

  it('takes a header of many thousand hops without following them all', () => {
    const headers = new Headers({ 'x-forwarded-for': Array(5000).fill('10.0.0.2').join(',') })
    expect(originOf(headers, '10.0.0.1', PROXIES).address).toBe('10.0.0.2')
  })
})

describe('parseForwarded', () => {
  it.each([
    ['for=1.1.1.1', [{ for: '1.1.1.1' }]],
    ['For="[::1]:5" ; PROTO=https', [{ for: '[::1]:5', proto: 'https' }]],
    ['for=a, for="b, \\"c\\";d"', [{ for: 'a' }, { for: 'b, "c";d' }]],
    ['by=x;secret=y', [{ by: 'x', secret: 'y' }]],
    ['', []],
    ['for', null],
    ['for=', null],
    ['for="open', null],
    ['for=a;for=b', null],
    ['for=a b', null],
  ])('reads %p', (header, expected) => {
    expect(parseForwarded(header)).toEqual(expected as never)
  })
})

describe('isHost', () => {
  it.each(['localhost', 'a.b:5000', '127.0.0.1:1', '[::1]', '[::1]:5000', 'my_registry:80', 'A.Example'])(
    'takes %p',
    (text) => {
      expect(isHost(text)).toBe(true)
    },
  )

  it.each([
    '',
    ' ',
    'a b',
    'a/b',
    'a@b',
    'a:b',
    'a:',
    'a:99999',
    'x, y',
    '[::g]',
    '[:::::]',
    '[::1',
    'é',
    'a?b',
    'a#b',
    '.a',
    '-a',
    'a"b',
    'a\\b',
    'a'.repeat(300),
  ])('refuses %p', (text) => {
    expect(isHost(text)).toBe(false)
  })
})
