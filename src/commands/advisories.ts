import type { Command } from 'commander'
import type { PlaceOptions } from './advisory-place.ts'
import type { Outcome } from './outcome.ts'

/** What every command about advisories may be told. */
export interface AdvisoryOptions extends PlaceOptions {
  readonly json?: boolean
}

const ABOUT = `
They go to the server of --server or SEAWALL_SERVER; else to the database of the configuration (SEAWALL_DATA,
SEAWALL_DATABASE, --config, or ./data where it is there); else to the server that you are signed in to.
`

/** `seawall advisories` */
export function addAdvisoriesCommand(program: Command, outcome: Outcome): void {
  const advisories = program
    .command('advisories')
    .description('Import and update what is known of vulnerabilities.')
    .addHelpText('after', ABOUT)

  withPlace(advisories.command('import'))
    .description(
      'Import advisories in the form their publishers give them: OSV, Debian tracker, Alpine secdb, KEV, EPSS.',
    )
    .argument('<path...>', 'files, folders or http addresses')
    .addHelpText('after', '\nExample:\n  seawall advisories import ./feeds/debian.json ./feeds/osv\n')
    .action(async (paths: string[], options: AdvisoryOptions) => {
      const { importInto } = await import('./advisories-import.ts')
      outcome.code = await importInto(paths, options, process.env)
    })

  withPlace(advisories.command('update'))
    .description('Fetch what is new in the public feeds, as the configuration names them.')
    .addHelpText('after', '\nExample:\n  seawall advisories update\n')
    .action(async (options: AdvisoryOptions) => {
      const { updateAt } = await import('./advisories-update.ts')
      outcome.code = await updateAt(options, process.env)
    })

  withPlace(advisories.command('status'))
    .description('Show which feeds are there and how new they are.')
    .addHelpText('after', '\nExample:\n  seawall advisories status --json\n')
    .action(async (options: AdvisoryOptions) => {
      const { showStatus } = await import('./advisories-status.ts')
      outcome.code = await showStatus(options, process.env)
    })
}

function withPlace(command: Command): Command {
  return command
    .option('--server <address>', 'the server whose advisories are meant')
    .option('--config <file>', 'configuration file that names the database')
    .option('--json', 'print JSON')
}
