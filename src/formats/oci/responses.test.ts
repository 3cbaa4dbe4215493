import { describe, expect, it } from 'bun:test'
import { warningHeaders } from './responses.ts'

describe('the Warning header', () => {
  it('keeps whole warnings, closed and within 4,096 bytes, however long they are', () => {
    const long = 'x'.repeat(5_000)
    for (const warnings of [[long], ['short', long], [long, 'short'], ['a "quoted" \\ one', 'b']]) {
      const { warning = '' } = warningHeaders(warnings)
      expect(warning.length).toBeLessThanOrEqual(4_096)
      expect(warning).toMatch(/^299 - "[^"\\]*"(, 299 - "[^"\\]*")*$/)
    }
  })

  it('is not there without a warning', () => expect(warningHeaders([])).toEqual({}))
})
