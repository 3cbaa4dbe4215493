import { type Command, Option } from 'commander'
import { ROLES } from './choices.ts'
import type { NewGrantOptions } from './grant.ts'
import { type ServerOptions, withServer } from './server-options.ts'

/** `seawall grant` */
export function addGrantCommand(program: Command): void {
  const grant = program.command('grant').description('Say who may do what in a repository.')

  withServer(grant.command('list'), 'seawall grant list demo')
    .description('List the grants of a repository.')
    .argument('<repository>', 'its name')
    .action(async (repository: string, options: ServerOptions) =>
      (await import('./grant.ts')).listGrants(repository, options),
    )

  withServer(grant.command('add'), "seawall grant add demo --role writer --user alice --images 'web/**'")
    .description('Give a role over a repository, or over the images that match a pattern.')
    .argument('<repository>', 'its name')
    .addOption(new Option('--role <role>', 'what they may do').choices(ROLES).makeOptionMandatory())
    .option('--user <name>', 'to a user')
    .option('--team <name>', 'to a team')
    .option('--signed-in', 'to everybody who has signed in')
    .option('--anonymous', 'to everybody')
    .option('--images <pattern>', 'which images: * within a segment, ** over segments', '**')
    .action(async (repository: string, options: NewGrantOptions) =>
      (await import('./grant.ts')).addGrant(repository, options),
    )

  withServer(grant.command('remove'), 'seawall grant remove demo 0197f2c0')
    .description('Take a grant back.')
    .argument('<repository>', 'its name')
    .argument('<id>', 'the grant, as "list" shows it')
    .action(async (repository: string, id: string, options: ServerOptions) =>
      (await import('./grant.ts')).removeGrant(repository, id, options),
    )
}
