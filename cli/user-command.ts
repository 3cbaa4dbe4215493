import type { Command } from 'commander'
import { type ServerOptions, withServer } from './server-options.ts'
import type { NewUserOptions, UserChangeOptions } from './user.ts'

/** `seawall user` */
export function addUserCommand(program: Command): void {
  const user = program.command('user').description('Manage the accounts of people and programs (administrators).')

  withServer(user.command('list'), 'seawall user list')
    .description('List users.')
    .action(async (options: ServerOptions) => (await import('./user.ts')).listUsers(options))

  withServer(user.command('create'), 'seawall user create alice --password-stdin < password.txt')
    .description('Make a local user.')
    .argument('<name>', 'the name to sign in with')
    .option('--password-stdin', 'read the password from the standard input (asked for when not given)')
    .option('--admin', 'an administrator')
    .option('--no-create-repositories', 'may not make repositories')
    .action(async (name: string, options: NewUserOptions) => (await import('./user.ts')).createUser(name, options))

  withServer(user.command('set'), 'seawall user set alice --disabled')
    .description('Change a user; everybody may change their own password.')
    .argument('<name>', 'the user')
    .option('--password', 'ask for a new password')
    .option(
      '--password-stdin',
      "read a new password from the standard input; your own: today's first, on a line of its own",
    )
    .option('--admin', 'an administrator')
    .option('--no-admin', 'no administrator')
    .option('--disabled', 'may not sign in')
    .option('--no-disabled', 'may sign in again')
    .option('--create-repositories', 'may make repositories')
    .option('--no-create-repositories', 'may not make repositories')
    .action(async (name: string, options: UserChangeOptions) => (await import('./user.ts')).setUser(name, options))

  withServer(user.command('remove'), 'seawall user remove alice')
    .description('Remove a user with their tokens and grants.')
    .argument('<name>', 'the user')
    .action(async (name: string, options: ServerOptions) => (await import('./user.ts')).removeUser(name, options))
}
