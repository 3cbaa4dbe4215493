import { describe, expect, it } from 'bun:test'
import { parseTestReport } from './test-report.ts'

const CASES = `<testsuites><testsuite name="d">
  <testcase name="is well" classname="d" time="0" />
  <testcase name="is &lt;bad&gt;" classname="d" time="0"><failure type="AssertionError" message="no" /></testcase>
  <testcase name="waits" classname="inner &gt; outer &quot;x&quot;" time="0">
    <skipped />
  </testcase>
</testsuite></testsuites>`

const ONE = '<testcase name="a" classname="b" />'

describe('a test report', () => {
  it('counts tests and names the skipped ones, outer group first', () => {
    const { passed, failed, skipped } = parseTestReport(CASES, 1, '')
    expect({ passed, failed, skipped }).toEqual({ passed: 1, failed: 1, skipped: ['outer "x" > inner > waits'] })
  })

  it('counts a crash as a failure, also when every test before it was well', () => {
    expect(parseTestReport('', 139, '')).toMatchObject({ passed: 0, failed: 1, skipped: [] })
    expect(parseTestReport(ONE, 1, '')).toMatchObject({ passed: 1, failed: 1, skipped: [] })
  })

  it('counts a file in which nothing ran as skipped', () => {
    expect(parseTestReport('<testsuites></testsuites>', 0, '')).toMatchObject({
      passed: 0,
      failed: 0,
      skipped: { length: 1 },
    })
  })

  it('passes on why tests were skipped, and tells data that are lacking from programs', () => {
    const data = 'skipped: versions, because ../shared/data/truth is missing'
    const program = 'skipped: pulls: this machine lacks docker'
    expect(parseTestReport(CASES, 0, `${data}\nmore`)).toMatchObject({ reasons: [data], wantsOnlyData: true })
    expect(parseTestReport(CASES, 0, `${data}\n${program}`)).toMatchObject({ wantsOnlyData: false })
    expect(parseTestReport(CASES, 0, '')).toMatchObject({ wantsOnlyData: false })
  })
})
