import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTestReport, type TestReport } from './test-report.ts'

/** Sums over test files; its text is the last line of every run. */
export interface TestTotals {
  passed: number
  failed: number
  skipped: number
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
  const totals: TestTotals = { passed: 0, failed: 0, skipped: 0 }
  const reports = await mkdtemp(join(tmpdir(), 'seawall-tests-'))
  const queue = files.map((file, index) => ({ file, reportPath: join(reports, `${index}.xml`) }))
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const report = await runFile(next.file, next.reportPath)
      totals.passed += report.passed
      totals.failed += report.failed
      totals.skipped += report.skipped.length
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
export function formatTotals(totals: TestTotals): string {
  return `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`
}

async function runFile(file: string, reportPath: string): Promise<TestReport> {
  const started = performance.now()
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
    { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: FILE_LIMIT_MS, killSignal: 'SIGKILL' },
  )
  const output = await Promise.all([child.stdout.text(), child.stderr.text()])
  const exitCode = await child.exited
  const xml = Bun.file(reportPath)
  const report = parseTestReport((await xml.exists()) ? await xml.text() : '', exitCode)
  tell(file, report, output.join('\n'), Math.round(performance.now() - started))
  return report
}

function tell(file: string, report: TestReport, output: string, milliseconds: number): void {
  const verdict = report.failed > 0 ? 'FAILED' : report.passed === 0 && report.skipped.length > 0 ? 'skipped' : 'ok'
  const counts = formatTotals({ ...report, skipped: report.skipped.length })
  console.log(`${verdict.padEnd(7)} ${file} (${counts}, ${(milliseconds / 1000).toFixed(1)} s)`)
  for (const name of report.skipped) console.log(`  skipped: ${name}`)
  // A test that is skipped says there what the machine lacks.
  for (const line of output.split('\n')) if (/^skipp(ed|ing)\b/i.test(line)) console.log(`  ${line}`)
  if (report.failed > 0) console.log(output.replaceAll(/^/gm, '  | '))
}
