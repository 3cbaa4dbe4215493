import { describe, expect, it } from 'bun:test'
import { nextPage } from './link-header.ts'
import { parseRateLimit } from './rate-limit-headers.ts'
import { parseRetryAfter } from './retry-after.ts'
import { parseTokenAnswer } from './token-answer.ts'

const NOW = Date.UTC(2026, 0, 1)
const clock = () => NOW

describe('what an upstream says of its limit', () => {
  const limit = (limit: string | null, remaining: string | null) =>
    parseRateLimit(
      new Headers({
        ...(limit !== null && { 'ratelimit-limit': limit }),
        ...(remaining !== null && { 'ratelimit-remaining': remaining }),
      }),
      clock,
    )

  it.each<[string | null, string | null, unknown]>([
    ['100;w=21600', '76;w=21600', { limit: 100, remaining: 76, windowSeconds: 21_600 }],
    ['100', '0', { limit: 100, remaining: 0, windowSeconds: null }],
    ['100;w=60', '5', { limit: 100, remaining: 5, windowSeconds: 60 }],
    [null, '3;w=60', { limit: null, remaining: 3, windowSeconds: 60 }],
    ['10;w=1, 100;w=60', '9;w=1, 2;w=60', { limit: 100, remaining: 2, windowSeconds: 60 }],
    [' 100 ; W = 60 ', ' 5 ; burst=3 ; w=60', { limit: 100, remaining: 5, windowSeconds: 60 }],
  ])('%p and %p is read', (most, left, expected) => {
    expect(limit(most, left)).toEqual({ ...(expected as object), seenAt: NOW } as never) // the table's own shape
  })

  it.each([[null], [''], ['-1'], ['many'], ['1.5'], ['1e3']])('%p left is nothing', (left) => {
    expect(limit('100', left)).toBeNull()
  })
})

describe('the time to wait', () => {
  it.each<[string | null, number | null]>([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['Thu, 01 Jan 2099 00:00:00 GMT', 86_400_000],
    ['999999999', 86_400_000],
    [null, null],
    ['', null],
    ['-5', null],
    ['soon', null],
    ['1.5', null],
  ])('%p is %p', (header, expected) => {
    expect(parseRetryAfter(header, clock)).toBe(expected)
  })
})

describe('a link to the next page', () => {
  const next = (link: string) => nextPage(new Headers({ link }), new URL('https://x.example/v2/a/tags/list?n=1'))

  it.each<[string, string | null | undefined]>([
    ['</v2/a/tags/list?n=1&last=b>; rel="next"', '/v2/a/tags/list?n=1&last=b'],
    ['<https://inside.example/v2/a/tags/list?last=b>; rel=next', '/v2/a/tags/list?last=b'],
    ['<?last=b>;rel="next"', '/v2/a/tags/list?last=b'],
    ['</first>; rel="first", </second>; title="x"; rel="last next"', '/second'],
    ['</first>; rel="previous"', null],
    ['</first>; rel="nextish"', null],
    ['<http://[>; rel="next"', undefined],
    ['nothing', null],
  ])('%s leads to %p', (link, expected) => {
    expect(next(link)).toBe(expected as never) // null, undefined or a path
  })
})

describe('a token', () => {
  const realm = new URL('https://auth.example/token')
  const read = (answer: unknown) => parseTokenAnswer(new TextEncoder().encode(JSON.stringify(answer)), realm, clock)
  const good = (answer: object) => (read({ token: 't', ...answer }).until - NOW) / 1_000

  it('is good as long as the service says, and 60 seconds where it says nothing', () => {
    expect(good({})).toBe(55)
    expect(good({ expires_in: 300 })).toBe(295)
    expect(good({ expires_in: 300, issued_at: '2025-12-31T23:59:00Z' })).toBe(235)
    expect(good({ expires_in: 300, issued_at: '2030-01-01T00:00:00Z' })).toBe(295)
    expect(good({ expires_in: 300, issued_at: 'yesterday' })).toBe(295)
    expect(good({ expires_in: 1e12 })).toBe(3_595)
    for (const expires_in of [0, -5, '300', null]) expect(good({ expires_in })).toBe(55)
  })

  it('is taken by either of its names', () => {
    expect(read({ access_token: 'a' }).token).toBe('a')
    expect(read({ token: '', access_token: 'a' }).token).toBe('a')
    expect(read({ token: 't', access_token: 'a' }).token).toBe('t')
  })

  it.each([[{}], [[]], [null], ['t'], [{ token: 5 }], [{ token: 'a\r\nx: y' }], [{ token: 'a b' }], [{ token: '' }]])(
    'is none in %p',
    (answer) => {
      expect(() => read(answer)).toThrow('answers without a token')
    },
  )
})
