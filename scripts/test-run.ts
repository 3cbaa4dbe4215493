import { closeSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTestReport, type TestReport } from './test-report.ts'

/** Sums over test files; its text is the last line of every run. */
export interface TestTotals {
  passed: number
  failed: number
  skipped: number
  /** How many of the skipped ones want nothing but the reference data, which a clone alone does not have. */
  excused: number
}

/** A file that has not ended after this time hangs: it is killed and counts as one failure. */
const FILE_LIMIT_MS = 5 * 60_000

/** Longest that one test may take, unless it says so itself. */
const TEST_LIMIT_MS = 30_000

const root = join(import.meta.dir, '..')

/** The project's test files whose path contains one of `filters` (all, when there is none), the slow kinds first. */
export function testFiles(filters: readonly string[]): string[] {
  const all = [...new Bun.Glob('{src,cli,web,tests,bench,scripts}/**/*.test.{ts,tsx}').scanSync(root)]
  const wanted = all.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  const isEndToEnd = (file: string) => Number(file.startsWith('tests/'))
  return wanted.sort((a, b) => isEndToEnd(b) - isEndToEnd(a) || (a < b ? -1 : 1))
}

/** Runs each file by `bun test` in a process of its own, a few at a time, and tells on the way what happened. */
export async function runTests(files: readonly string[]): Promise<TestTotals> {
  const totals: TestTotals = { passed: 0, failed: 0, skipped: 0, excused: 0 }
  const reports = await mkdtemp(join(tmpdir(), 'seawall-tests-'))
  const queue = files.map((file, index) => ({ file, reportPath: join(reports, `${index}.xml`) }))
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const report = await runFile(next.file, next.reportPath)
      totals.passed += report.passed
      totals.failed += report.failed
      totals.skipped += report.skipped.length
      if (report.wantsOnlyData) totals.excused += report.skipped.length
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(4, Math.max(2, availableParallelism())) }, lane))
  } finally {
    await rm(reports, { recursive: true, force: true })
  }
  return totals
}

/** `12 passed, 0 failed, 1 skipped`: read by machines, so its form is fixed. */
export function formatTotals({ passed, failed, skipped }: Omit<TestTotals, 'excused'>): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** With `CI=true` a skip is a failure too: every program can be installed there. Says so where that decides. */
export function isGood({ failed, skipped, excused }: TestTotals): boolean {
  if (excused > 0) console.log(`${excused} skipped tests want reference data in ../shared/data; that is no failure`)
  const unexcused = process.env.CI === 'true' ? skipped - excused : 0
  if (unexcused > 0) console.log(`CI=true: ${unexcused} skipped tests are failures`)
  return failed === 0 && unexcused === 0
}

async function runFile(file: string, reportPath: string): Promise<TestReport> {
  const started = performance.now()
  // Into a file: a pipe is at its end only when every process that a test has left behind has ended as well.
  const output = openSync(`${reportPath}.txt`, 'a')
  const child = Bun.spawn(
    [
      process.execPath,
      'test',
      `./${file}`,
      '--only-failures',
      `--timeout=${TEST_LIMIT_MS}`,
      '--reporter=junit',
      `--reporter-outfile=${reportPath}`,
    ],
    { cwd: root, stdin: 'ignore', stdout: output, stderr: output, timeout: FILE_LIMIT_MS, killSignal: 'SIGKILL' },
  )
  const exitCode = await child.exited
  closeSync(output)
  const xml = Bun.file(reportPath)
  const said = await Bun.file(`${reportPath}.txt`).text()
  const report = parseTestReport((await xml.exists()) ? await xml.text() : '', exitCode, said)
  tell(file, report, Math.round(performance.now() - started))
  if (report.failed > 0) console.log(said.replaceAll(/^/gm, '  | '))
  return report
}

function tell(file: string, report: TestReport, milliseconds: number): void {
  const verdict = report.failed > 0 ? 'FAILED' : report.passed === 0 && report.skipped.length > 0 ? 'skipped' : 'ok'
  const counts = formatTotals({ ...report, skipped: report.skipped.length })
  console.log(`${verdict.padEnd(7)} ${file} (${counts}, ${(milliseconds / 1000).toFixed(1)} s)`)
  for (const name of report.skipped) console.log(`  skipped: ${name}`)
  for (const reason of report.reasons) console.log(`  ${reason}`)
}
