// `npm run check`: format, lint, types, the rules of the house, and the tests that stand beside the code.
import { join } from 'node:path'
import { formatTotals, isGood, runTests, testFiles } from './test-run.ts'

const root = join(import.meta.dir, '..')
const STEPS = [
  { name: 'format and lint', command: ['@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'] },
  { name: 'types', command: ['typescript/bin/tsc', '--noEmit'] },
] as const

let broken = 0
for (const step of STEPS) {
  console.log(`# ${step.name}`)
  const [script, ...args] = step.command
  const done = Bun.spawnSync([process.execPath, join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.exitCode !== 0) broken += 1
}

console.log('# floors and unit tests')
const files = testFiles([]).filter((file) => file === 'tests/floors.test.ts' || !file.startsWith('tests/'))
const totals = await runTests(files)
if (broken > 0) console.log(`${broken} of the checks before the tests failed: see above`)
const good = isGood(totals) && broken === 0
console.log(formatTotals({ ...totals, failed: totals.failed + broken }))
process.exit(good ? 0 : 1)
