import { describe, expect, it } from 'bun:test'
import { formatTally, parseTally } from './conformance-tally.ts'

const REPORT = `<testsuites time="1.5" tests="4" failures="1" skipped="1" disabled="1">
  <testsuite name="OCI Conformance Test" tests="4">
    <testcase name="ping" status="passed"></testcase>
    <testcase name="empty/tag list" status="failure"><system-out>expected 200,&#xA;received 500</system-out></testcase>
    <testcase name="blobs/mount" status="skipped"><system-err>GET /v2/</system-err></testcase>
  </testsuite>
</testsuites>`

describe('the tally of a conformance run', () => {
  it('counts what passed, and names what did not with its complaint', () => {
    const tally = parseTally(REPORT)
    expect(formatTally(tally)).toBe('4 tests, 1 passed, 1 failed, 2 skipped')
    expect(tally.wanting).toEqual(['failure: empty/tag list: expected 200, received 500', 'skipped: blobs/mount: '])
  })

  it('does not take something else for a report', () => {
    expect(() => parseTally('')).toThrow('no test suites')
  })
})
