import { expect, it } from 'bun:test'
import { join, resolve } from 'node:path'
import { run } from '../harness/run-program.ts'

const other = process.env.SEAWALL_TEST_PROGRAM
const command = other ? [resolve(other)] : [process.execPath, join(import.meta.dir, '..', '..', 'src', 'main.ts')]

/** A shell whose reader leaves before the first word: every write of the program fails. */
function readByNobody(words: string): Promise<{ code: number; stderr: string }> {
  const program = command.map((word) => `'${word}'`).join(' ')
  return run(['bash', '-c', `${program} ${words} | true; exit \${PIPESTATUS[0]}`], { env: {} })
}

it('ends without a word when whoever reads its output has gone', async () => {
  for (const words of ['config', 'config --json', '--help', 'completion bash']) {
    const { code, stderr } = await readByNobody(words)
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
  }
})
