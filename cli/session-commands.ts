import type { Command } from 'commander'
import { type ServerOptions, withServer } from './server-options.ts'
import type { LoginOptions } from './session.ts'

/** `seawall login`, `logout` and `whoami` */
export function addSessionCommands(program: Command): void {
  program
    .command('login')
    .description('Sign in to a server: makes an access token and keeps it in your configuration folder.')
    .argument('[server]', 'its address (default: SEAWALL_SERVER, else where you signed in last)')
    .option('-u, --user <name>', 'who you are (asked for when not given)')
    .option('--password-stdin', 'read the password from the standard input')
    .option('--token-stdin', 'read an access token from the standard input, and keep that')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  seawall login registry.example.com -u admin --password-stdin < password.txt\n')
    .action(async (server: string | undefined, options: LoginOptions) => {
      const { login } = await import('./session.ts')
      await login(server, options)
    })
  program
    .command('logout')
    .description('End the access token that login made, and forget it.')
    .argument('[server]', 'its address (default: where you signed in last)')
    .addHelpText('after', '\nExample:\n  seawall logout registry.example.com\n')
    .option('--json', 'print JSON')
    .action(async (server: string | undefined, options: ServerOptions) => {
      const { logout } = await import('./session.ts')
      await logout(server, options)
    })
  withServer(program.command('whoami'), 'seawall whoami')
    .description('Show which server you speak to, and as whom.')
    .action(async (options: ServerOptions) => {
      const { whoami } = await import('./session.ts')
      await whoami(options)
    })
}
