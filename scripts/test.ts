// `npm test [-- path...]`: every test file, or those whose path contains one of the arguments.
import { formatTotals, isGood, runTests, testFiles } from './test-run.ts'

const files = testFiles(process.argv.slice(2))
if (files.length === 0) {
  console.error(`No test file has ${process.argv.slice(2).join(' or ')} in its path.`)
  process.exit(2)
}
const started = performance.now()
const totals = await runTests(files)
console.log(`${files.length} files in ${Math.round((performance.now() - started) / 1000)} s`)
const good = isGood(totals)
console.log(formatTotals(totals))
process.exit(good ? 0 : 1)
