import type { Command } from 'commander'

/** `seawall config` */
export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('Print the configuration that is in force on this machine, without secrets.')
    .option('--config <file>', 'configuration file (default: ./seawall.yaml when it is there)')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  SEAWALL_LISTEN=0.0.0.0:443 seawall config\n')
    .action(async (options: { config?: string; json?: boolean }) => {
      const [{ loadConfig }, { describeConfig }] = await Promise.all([
        import('../config/load-config.ts'),
        import('../config/describe-config.ts'),
      ])
      const config = loadConfig(options.config)
      const text = options.json ? `${JSON.stringify(config.effective, null, 2)}\n` : describeConfig(config)
      process.stdout.write(text)
    })
}
