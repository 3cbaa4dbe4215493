// `npm test [-- path...]`: every test file, or those whose path contains one of the arguments.
import { formatTotals, runTests, testFiles } from './test-run.ts'

const files = testFiles(process.argv.slice(2))
if (files.length === 0) {
  console.error(`No test file has ${process.argv.slice(2).join(' or ')} in its path.`)
  process.exit(2)
}
const started = performance.now()
const totals = await runTests(files)
console.log(`${files.length} files in ${Math.round((performance.now() - started) / 1000)} s`)
const skipsFail = process.env.CI === 'true'
if (skipsFail && totals.skipped > 0) console.log('CI=true: a skipped test is a failure')
console.log(formatTotals(totals))
process.exit(totals.failed > 0 || (skipsFail && totals.skipped > 0) ? 1 : 0)
