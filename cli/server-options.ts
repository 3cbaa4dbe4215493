import type { Command } from 'commander'

/** What every command that speaks to a server may be told. */
export interface ServerOptions {
  readonly server?: string
  readonly json?: boolean
}

/** Adds them, with an example at the end of the help. */
export function withServer(command: Command, example: string): Command {
  return command
    .option('--server <address>', 'the server (default: SEAWALL_SERVER, else where you signed in last)')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  ${example}\n`)
}
