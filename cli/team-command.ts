import type { Command } from 'commander'
import { type ServerOptions, withServer } from './server-options.ts'

/** `seawall team` */
export function addTeamCommand(program: Command): void {
  const team = program.command('team').description('Manage teams: names for several users, to give roles to.')

  withServer(team.command('list'), 'seawall team list')
    .description('List teams.')
    .action(async (options: ServerOptions) => (await import('./team.ts')).listTeams(options))

  withServer(team.command('create'), 'seawall team create builders')
    .description('Make a team (administrators).')
    .argument('<name>', 'its name')
    .action(async (name: string, options: ServerOptions) => (await import('./team.ts')).createTeam(name, options))

  withServer(team.command('remove'), 'seawall team remove builders')
    .description('Remove a team with its grants (administrators).')
    .argument('<name>', 'its name')
    .action(async (name: string, options: ServerOptions) => (await import('./team.ts')).removeTeam(name, options))

  withServer(team.command('add'), 'seawall team add builders alice')
    .description('Add users to a team (administrators).')
    .argument('<team>', 'its name')
    .argument('<user...>', 'who joins')
    .action(async (name: string, users: string[], options: ServerOptions) =>
      (await import('./team.ts')).addMembers(name, users, options),
    )

  withServer(team.command('take-out'), 'seawall team take-out builders alice')
    .description('Take users out of a team (administrators).')
    .argument('<team>', 'its name')
    .argument('<user...>', 'who leaves')
    .action(async (name: string, users: string[], options: ServerOptions) =>
      (await import('./team.ts')).takeOutMembers(name, users, options),
    )
}
