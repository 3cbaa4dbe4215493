import { type Command, Option } from 'commander'
import { SEVERITIES } from '../core/finding.ts'
import type { Outcome } from './outcome.ts'
import type { ScanOptions } from './scan.ts'

const ABOUT = `
Examples:
  seawall scan debian:12
  seawall scan --format sarif --output result.sarif --fail-on high registry.example.com/demo/app:1
  docker save demo/app:1 -o app.tar && seawall scan app.tar

The advisories are those of this machine's database: see "seawall advisories update". Registries are asked with the
credentials that docker and podman keep.

Exit codes: 0 done, 1 failed, 2 wrong usage; with --fail-on also 3 for findings at least so bad, and 4 when there are
none but something could not be read or said.
`

/** `seawall scan` */
export function addScanCommand(program: Command, outcome: Outcome): void {
  program
    .command('scan')
    .description('Name the packages of an image, and what is known to be wrong with them, without a server.')
    .argument('<subject>', 'a docker archive, an OCI layout, a folder, or the reference of an image in a registry')
    .addOption(
      new Option('--format <format>', 'form of the report').choices(['table', 'json', 'sarif']).default('table'),
    )
    .option('--json', 'the same as --format json')
    .option('--output <file>', 'write the report to a file')
    .addOption(new Option('--fail-on <severity>', 'exit with 3 on findings at least so bad').choices(SEVERITIES))
    .option('--only-fixable', 'only findings that a newer version cures')
    .option('--platform <platform>', 'which image of several, such as linux/arm64')
    .option('--image <name>', 'which image of an archive that holds several')
    .option('--plain-http', 'ask the registry without TLS, also when it is another machine')
    .option('--config <file>', 'configuration file that names the database')
    .addHelpText('after', ABOUT)
    .action(async (subject: string, options: ScanOptions) => {
      const { scan } = await import('./scan.ts')
      outcome.code = await scan(subject, options, process.env)
    })
}
