import type { Command } from 'commander'

/** `seawall serve` */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('Run the registry in the foreground, until Ctrl-C or SIGTERM.')
    .option('--config <file>', 'configuration file (default: ./seawall.yaml when it is there)')
    .addHelpText('after', '\nExample:\n  SEAWALL_LISTEN=127.0.0.1:5000 SEAWALL_DATA=./data seawall serve\n')
    .action(async (options: { config?: string }) => {
      const [{ serve }, { loadConfig }] = await Promise.all([import('./serve.ts'), import('../config/load-config.ts')])
      await serve(loadConfig(options.config))
    })
}
