import type { Command } from 'commander'
import { parseDaysOrNever, parsePatterns, parseWhole } from './option-values.ts'
import type { RetentionCommandOptions } from './retention.ts'
import { withServer } from './server-options.ts'

/** Adds the options that say what a repository gives up by itself. */
export function withRetention(command: Command): Command {
  return command
    .option('--retention <file>', 'rules of retention, and the figures below, in JSON or YAML')
    .option('--no-retention', 'take all rules away')
    .option('--retention-tags <patterns>', 'one rule: the tags that it speaks of, such as "pr-*,tmp-*"', parsePatterns)
    .option('--retention-images <patterns>', 'one rule: the images that it speaks of, such as "team/**"', parsePatterns)
    .option('--keep-newest <count>', 'one rule: keep the newest so many of each image', parseWhole)
    .option('--keep-days <days>', 'one rule: keep what was set within so many days', parseWhole)
    .option('--keep-pulled-days <days>', 'one rule: keep what was pulled within so many days', parseWhole)
    .option(
      '--untagged-after-days <days>',
      'delete manifests without a tag after so many days, or never',
      parseDaysOrNever,
    )
    .option('--most-percent <percent>', 'stop a run that would delete more than this share', parseWhole)
}

/** `seawall repository retention` */
export function addRetentionCommand(repository: Command): void {
  const examples = [
    'seawall repository retention demo --preview',
    '  seawall repository retention demo --preview --retention-tags "pr-*" --keep-newest 10 --keep-days 90',
    '  seawall repository retention demo --run',
  ].join('\n')
  withRetention(withServer(repository.command('retention'), examples))
    .description('Show what the rules of retention would delete and why, run them, or show what the last run did.')
    .argument('<name>', 'its name')
    .option('--preview', 'list what a run would delete, by the rules of the repository or by those given here')
    .option('--all', 'with --preview: also what stays, and why')
    .option('--run', 'run the rules now, and wait for the end')
    .option('--force', 'with --run: this once, however much goes')
    .action(async (name: string, options: RetentionCommandOptions) =>
      (await import('./retention.ts')).retainRepository(name, options),
    )
}
