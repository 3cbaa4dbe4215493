import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { RegistryError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'
import { addServeCommand } from './serve.ts'

/** Reads the command line and runs the command; answers the exit code. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const program = new Command('seawall')
    .description('A container registry that keeps what it holds safe.')
    .exitOverride()
    .showHelpAfterError('(--help shows the options, with an example)')
  const outcome = { code: EXIT.ok as number }
  addServeCommand(program)
  try {
    await program.parseAsync([...argv])
    return outcome.code
  } catch (error) {
    return explain(error)
  }
}

/** Says what went wrong in words for people; only a bug shows where it happened. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof ConfigError) {
    console.error(`seawall: ${error.message}`)
    return EXIT.usage
  }
  const isBug = !(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError
  console.error(isBug ? error : `seawall: ${error.message}`)
  if (error instanceof RegistryError && error.cause instanceof Error) console.error(`  because: ${error.cause.message}`)
  return EXIT.failed
}
