import { type Command, Option } from 'commander'
import { COMPLETENESSES, DECISIONS, MODES, SEVERITIES, VISIBILITIES } from './choices.ts'
import { parsePatterns, parseQuota } from './option-values.ts'
import type { NewRepositoryOptions, RepositoryChangeOptions } from './repository.ts'
import { addRetentionCommand, withRetention } from './retention-command.ts'
import { type ServerOptions, withServer } from './server-options.ts'

/** `seawall repository` */
export function addRepositoryCommand(program: Command): void {
  const repository = program.command('repository').description('Make repositories and set their rules.')

  withServer(repository.command('list'), 'seawall repository list')
    .description('List the repositories that you may see.')
    .action(async (options: ServerOptions) => (await import('./repository.ts')).listRepositories(options))

  withServer(repository.command('show'), 'seawall repository show demo')
    .description('Show a repository with its rule.')
    .argument('<name>', 'its name')
    .action(async (name: string, options: ServerOptions) =>
      (await import('./repository.ts')).showRepository(name, options),
    )

  withServer(repository.command('create'), 'seawall repository create demo --visibility public')
    .description('Make a repository; you administer it.')
    .argument('<name>', 'its name')
    .addOption(new Option('--class <class>', 'where its bytes come from').choices(['local']).default('local'))
    .addOption(new Option('--format <format>', 'what it holds').choices(['oci']).default('oci'))
    .addOption(new Option('--visibility <visibility>', 'who may read').choices(VISIBILITIES).default('private'))
    .addOption(completeness().default('index'))
    .addOption(quota())
    .addOption(immutableTags())
    .action(async (name: string, options: NewRepositoryOptions) =>
      (await import('./repository.ts')).createRepository(name, options),
    )

  const examples = [
    'seawall repository set demo --block-severity critical --only-fixable --mode deny',
    '  seawall repository set demo --quota 20GB --immutable-tags "v*,release-*"',
    '  seawall repository set demo --retention-tags "pr-*" --keep-newest 10 --keep-days 90 --untagged-after-days 14',
    '  seawall repository set demo --retention rules.yaml',
  ].join('\n')
  withRetention(withServer(repository.command('set'), examples))
    .description('Change who may read a repository, what it takes and keeps, and which pulls it refuses.')
    .argument('<name>', 'its name')
    .addOption(new Option('--mode <mode>', 'what happens to a pull that the rule objects to').choices(MODES))
    .addOption(new Option('--block-severity <severity>', 'findings at least so bad count').choices(SEVERITIES))
    .option('--only-fixable', 'only findings that a newer version cures count')
    .option('--no-only-fixable', 'findings without a cure count too')
    .addOption(new Option('--unscanned <decision>', 'what happens while nothing certain is known').choices(DECISIONS))
    .addOption(new Option('--visibility <visibility>', 'who may read').choices(VISIBILITIES))
    .addOption(completeness())
    .addOption(quota())
    .addOption(immutableTags())
    .action(async (name: string, options: RepositoryChangeOptions) =>
      (await import('./repository.ts')).setRepository(name, options),
    )

  addRetentionCommand(repository)
}

function quota(): Option {
  return new Option('--quota <size>', 'most that it may hold, such as 20GB or 1.5TiB; none for no limit').argParser(
    parseQuota,
  )
}

function immutableTags(): Option {
  return new Option(
    '--immutable-tags <patterns>',
    'tags that are set once and never moved nor deleted, such as "v*,release-*"; none for no such tags',
  ).argParser(parsePatterns)
}

function completeness(): Option {
  return new Option('--completeness <completeness>', 'what a manifest may name that is not here').choices(
    COMPLETENESSES,
  )
}
