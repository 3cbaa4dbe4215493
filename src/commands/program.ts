import { Command, CommanderError } from 'commander'
import { addServerCommands } from '../../cli/commands.ts'
import { COMPLETE_COMMAND } from '../../cli/completion-command.ts'
import { UsageError } from '../../cli/usage-error.ts'
import { addAdvisoriesCommand } from './advisories.ts'
import { addConfigCommand } from './config-command.ts'
import { EXIT } from './exit-codes.ts'
import { explain } from './explain.ts'
import type { Outcome } from './outcome.ts'
import { addScanCommand } from './scan-command.ts'
import { addServeCommand } from './serve-command.ts'
import { VERSION } from './version.ts'

/** Reads the command line and runs the command; answers the exit code. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const outcome: Outcome = { code: EXIT.ok }
  process.stdout.on('error', (error) => endWithReader(error, outcome))
  try {
    if (argv[2] === COMPLETE_COMMAND) return await answerShell(argv.slice(3))
    await createProgram(outcome).parseAsync([...argv])
    return outcome.code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    // A write may also throw what the stream tells.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return outcome.code
    console.error(explain(error))
    return error instanceof UsageError || (error instanceof Error && error.name === 'ConfigError')
      ? EXIT.usage
      : EXIT.failed
  }
}

/** Whoever read our words has heard enough, as `head` does: what is left to say, nobody would hear. */
function endWithReader(error: Error, { code }: Outcome): never {
  if ('code' in error && error.code === 'EPIPE') process.exit(code)
  throw error
}

/** Every command with its options. What a command does is loaded when it runs, so that the others start quickly. */
export function createProgram(outcome: Outcome): Command {
  const program = new Command('seawall')
    .description('A container registry that keeps what it holds safe.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .showHelpAfterError('(--help shows the options, with an example)')
  addServeCommand(program)
  addScanCommand(program, outcome)
  addAdvisoriesCommand(program, outcome)
  addConfigCommand(program)
  addServerCommands(program, () => {
    outcome.code = EXIT.damaged
  })
  return program
}

/** Shells ask at every press of the tab key. */
async function answerShell(words: readonly string[]): Promise<number> {
  const { complete } = await import('../../cli/complete.ts')
  const candidates = complete(createProgram({ code: EXIT.ok }), words)
  process.stdout.write(candidates.map(({ word, about }) => `${word}\t${about}\n`).join(''))
  return EXIT.ok
}
