import { Argument, type Command } from 'commander'

/** The word after which the shells ask what may come next. */
export const COMPLETE_COMMAND = '__complete'

const ABOUT = `
Examples:
  bash:  source <(seawall completion bash)
  zsh:   seawall completion zsh > "\${fpath[1]}/_seawall"
  fish:  seawall completion fish > ~/.config/fish/completions/seawall.fish
`

/** `seawall completion` */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('Print what teaches a shell to complete commands and options.')
    .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', ABOUT)
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { COMPLETION_SCRIPTS } = await import('./completion-scripts.ts')
      process.stdout.write(COMPLETION_SCRIPTS[shell])
    })
}
