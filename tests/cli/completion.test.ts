import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { complete } from '../../cli/complete.ts'
import { createProgram } from '../../src/commands/program.ts'
import { describeWith, program } from '../harness/program.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'

const seawall = createProgram({ code: 0 })
const words = (...typed: string[]): string[] => complete(seawall, typed).map(({ word }) => word)

describe('completion', () => {
  it.each([
    [['repo'], ['repository']],
    [
      ['image', ''],
      ['list', 'show', 'deletions', 'history', 'purge'],
    ],
    [['advisories', 'im'], ['import']],
    [['undel'], ['undelete']],
    [['tag', ''], ['restore']],
    [
      ['scan', '--format', ''],
      ['table', 'json', 'sarif'],
    ],
    [['scan', '--fail-on', 'hi'], ['high']],
    [
      ['repository', 'set', 'demo', '--mode', ''],
      ['off', 'warn', 'deny'],
    ],
    [['repository', 'set', '--mode', 'deny', '--unsc'], ['--unscanned']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['scan', ''], []],
    [['scan', '--output', ''], []],
    [['nothing', 'of', 'the', 'kind', '--xyz'], []],
  ])('of %j is %j', (typed, expected) => {
    expect(words(...typed)).toEqual(expected)
  })

  it('offers every option of a command, with --help', () => {
    expect(words('scan', '--')).toEqual(
      expect.arrayContaining(['--format', '--fail-on', '--only-fixable', '--platform', '--output', '--help']),
    )
  })
})

describe('every command', () => {
  const leaves: [name: string, command: Command][] = []
  const collect = (command: Command, name: string): void => {
    if (command.commands.length === 0) leaves.push([name, command])
    for (const below of command.commands) collect(below, `${name} ${below.name()}`)
  }
  collect(seawall, 'seawall')

  it.each(leaves.map(([name]) => name))('%s is in the manual', async (name) => {
    const manual = join(import.meta.dir, '..', '..', 'docs', 'command-line.md')
    expect(await Bun.file(manual).text()).toContain(`\`${name}\``)
  })

  it.each(leaves)('%s says what it does, and has an example and JSON where it has a result', (name, command) => {
    let text = ''
    command.configureOutput({ writeOut: (part) => (text += part) })
    command.outputHelp()
    expect(command.description()).toEndWith('.')
    expect(text).toContain('Example')
    if (!/serve|completion/.test(name)) expect(text).toContain('--json')
  })
})

/** The shells, with what asks them for what they would offer after "seawall repository set --mode ". */
const SHELLS = {
  bash: (script: string) =>
    `source ${script}; COMP_WORDS=(seawall repository set --mode ''); COMP_CWORD=4; _seawall; echo "\${COMPREPLY[*]}"`,
  fish: (script: string) => `source ${script}; complete -C 'seawall repository set --mode '`,
} as const

for (const shell of ['bash', 'fish'] as const) {
  describeWith([shell], `completion in ${shell}`, () => {
    let folder: string
    beforeAll(async () => {
      folder = await temporaryFolder('completion')
      const main = join(import.meta.dir, '..', '..', 'src', 'main.ts')
      await Bun.write(join(folder, 'seawall'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
      await chmod(join(folder, 'seawall'), 0o755)
    })
    afterAll(() => removeFolder(folder))

    it('offers what the program says', async () => {
      const script = join(folder, 'script')
      const printed = await runToSuccess([join(folder, 'seawall'), 'completion', shell])
      await Bun.write(script, printed.stdout)
      const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder }
      const { stdout } = await run([program(shell), '-c', SHELLS[shell](script)], { env })
      for (const word of ['off', 'warn', 'deny']) expect(stdout).toContain(word)
    })
  })
}

describeWith(['zsh'], 'completion in zsh', () => {
  it('is a script that the shell takes', async () => {
    const folder = await temporaryFolder('completion')
    const { COMPLETION_SCRIPTS } = await import('../../cli/completion-scripts.ts')
    await Bun.write(join(folder, '_seawall'), COMPLETION_SCRIPTS.zsh)
    await runToSuccess([program('zsh'), '-n', join(folder, '_seawall')])
    await removeFolder(folder)
  })
})
