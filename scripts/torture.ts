// `npm run torture [-- part...]`: the long form of tests/torture, all of it or the parts with one of the arguments in their
// name, one after the other. What each part said goes to a file below results/torture; the seeds are in it.
import { closeSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseTestReport } from './test-report.ts'
import { formatTotals, isGood, type TestTotals, testFiles } from './test-run.ts'

/** A part that has not ended after this time hangs, and one test of it that takes half of that does. */
const PART_LIMIT_MS = 3 * 3_600_000

const root = join(import.meta.dir, '..')
const words = process.argv.slice(2)
const parts = testFiles(['tests/torture/']).filter((file) => {
  const name = basename(file)
  return words.length === 0 || words.some((word) => name.includes(word))
})
if (parts.length === 0) {
  console.error(`No part of tests/torture has ${words.join(' or ')} in its name.`)
  process.exit(2)
}

const results = join(root, 'results', 'torture', new Date().toISOString().replaceAll(/[:.]/g, '-'))
await mkdir(results, { recursive: true })
console.log(`The output of each part goes to ${results}`)
const totals: TestTotals = { passed: 0, failed: 0, skipped: 0, excused: 0 }
for (const part of parts) await runPart(part)
const good = isGood(totals)
console.log(formatTotals(totals))
process.exit(good ? 0 : 1)

async function runPart(file: string): Promise<void> {
  const name = basename(file, '.test.ts')
  const begun = performance.now()
  const [outputPath, reportPath] = [join(results, `${name}.txt`), join(results, `${name}.xml`)]
  const output = openSync(outputPath, 'a')
  const options = [`--timeout=${PART_LIMIT_MS / 2}`, '--reporter=junit', `--reporter-outfile=${reportPath}`]
  const child = Bun.spawn([process.execPath, 'test', `./${file}`, ...options], {
    cwd: root,
    env: { ...process.env, SEAWALL_TORTURE: 'long' },
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    timeout: PART_LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const exitCode = await child.exited
  closeSync(output)
  const xml = Bun.file(reportPath)
  const said = await Bun.file(outputPath).text()
  const report = parseTestReport((await xml.exists()) ? await xml.text() : '', exitCode, said)
  const counts = { ...report, skipped: report.skipped.length }
  totals.passed += counts.passed
  totals.failed += counts.failed
  totals.skipped += counts.skipped
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1)
  console.log(`${counts.failed > 0 ? 'FAILED' : 'ok'.padEnd(6)} ${name}: ${formatTotals(counts)}, ${minutes} min`)
  for (const line of report.reasons) console.log(`  ${line}`)
  if (counts.failed > 0) for (const line of said.split('\n').filter(isTelling)) console.log(`  ${line}`)
}

/** What somebody needs first who wants to have a failure again. */
function isTelling(line: string): boolean {
  return /SEAWALL_TORTURE_SEED=|^error: |^\(fail\)/.test(line)
}
