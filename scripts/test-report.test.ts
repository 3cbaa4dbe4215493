import { describe, expect, it } from 'bun:test'
import { parseTestReport } from './test-report.ts'

const CASES = `<testsuites><testsuite name="d">
  <testcase name="is well" classname="d" time="0" />
  <testcase name="is &lt;bad&gt;" classname="d" time="0"><failure type="AssertionError" message="no" /></testcase>
  <testcase name="waits" classname="inner &gt; outer &quot;x&quot;" time="0">
    <skipped />
  </testcase>
</testsuite></testsuites>`

describe('a test report', () => {
  it('counts tests and names the skipped ones, outer group first', () => {
    expect(parseTestReport(CASES, 1)).toEqual({ passed: 1, failed: 1, skipped: ['outer "x" > inner > waits'] })
  })

  it('counts a crash as a failure, also when every test before it was well', () => {
    expect(parseTestReport('', 139)).toEqual({ passed: 0, failed: 1, skipped: [] })
    expect(parseTestReport('<testcase name="a" classname="b" />', 1)).toEqual({ passed: 1, failed: 1, skipped: [] })
  })
})
