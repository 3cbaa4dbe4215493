import { type Command, InvalidArgumentError } from 'commander'

/** `seawall serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('Run the registry in the foreground, until Ctrl-C or SIGTERM.')
    .option('--config <file>', 'configuration file (default: ./seawall.yaml when it is there)')
    .option('--processes <n>', 'processes that share the port, on Linux (default: the setting, 1)', parseCount)
    .addHelpText(
      'after',
      '\nExamples:\n  SEAWALL_LISTEN=127.0.0.1:5000 SEAWALL_DATA=./data seawall serve\n  seawall serve --processes 4\n',
    )
    .action(async ({ config: path, processes }: { config?: string; processes?: string }) => {
      const [{ serve }, { loadHandedConfig }] = await Promise.all([
        import('./serve.ts'),
        import('../config/handed-config.ts'),
      ])
      const env = { ...process.env, ...(processes && { SEAWALL_PROCESSES: processes }) }
      await serve(...loadHandedConfig(path, env))
    })
}

function parseCount(text: string): string {
  if (/^[1-9]\d{0,3}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a number, 1 or more.')
}
