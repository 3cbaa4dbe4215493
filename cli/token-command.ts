import type { Command } from 'commander'
import { type ServerOptions, withServer } from './server-options.ts'
import type { NewTokenOptions } from './token.ts'

/** `seawall token` */
export function addTokenCommand(program: Command): void {
  const token = program.command('token').description('Manage your access tokens: passwords for programs.')

  withServer(token.command('list'), 'seawall token list')
    .description('List your access tokens.')
    .action(async (options: ServerOptions) => (await import('./token.ts')).listTokens(options))

  withServer(token.command('create'), 'seawall token create ci --read-only --expires-in-days 90')
    .description('Make an access token; its secret is printed this once.')
    .argument('<name>', 'what it is for')
    .option('--read-only', 'it may only read')
    .option('--expires-in-days <days>', 'when it ends by itself (default: never)')
    .action(async (name: string, options: NewTokenOptions) => (await import('./token.ts')).createToken(name, options))

  withServer(token.command('revoke'), 'seawall token revoke 0197f2c0')
    .description('End an access token.')
    .argument('<id>', 'the token, as "list" shows it')
    .action(async (id: string, options: ServerOptions) => (await import('./token.ts')).revokeToken(id, options))
}
