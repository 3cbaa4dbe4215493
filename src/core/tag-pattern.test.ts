import { describe, expect, it } from 'bun:test'
import { fitsTagPattern } from './tag-pattern.ts'

describe('a pattern of tags', () => {
  it.each([
    ['v*', 'v1.2', true],
    ['v*', 'v', true],
    ['v*', 'V1', false],
    ['v*', 'rev1', false],
    ['*', '', true],
    ['*-rc*', '1.0-rc1', true],
    ['*-rc*', '1.0', false],
    ['1.*.3', '1.2.2.3', true],
    ['1.2', '1.2', true],
    ['1.2', '1x2', false],
    ['1.2', '1.2.3', false],
    ['a*b*c', 'a-b-b-c', true],
  ])('%s fits %s: %p', (pattern, tag, fits) => {
    expect(fitsTagPattern([pattern], tag)).toBe(fits)
  })

  it('fits nothing when there is none', () => {
    expect(fitsTagPattern([], 'v1')).toBe(false)
  })

  it('is looked for in a time that no pattern blows up', () => {
    const began = performance.now()
    expect(fitsTagPattern([`${'a*'.repeat(63)}b`], 'a'.repeat(128))).toBe(false)
    expect(performance.now() - began).toBeLessThan(100)
  })
})
