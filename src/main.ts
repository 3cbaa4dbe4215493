import { SERVE_CHILD_COMMAND } from './commands/process-messages.ts'
import { UPDATE_CHILD_COMMAND } from './commands/update-task.ts'
import { ANALYSE_LAYER_COMMAND } from './scanner/sandbox/child-command.ts'

/**
 * The program's beginning. Processes that this program starts for itself are told apart before anything is loaded: the
 * one that reads layers must come up quickly and hold nothing else.
 */
if (process.argv[2] === ANALYSE_LAYER_COMMAND) {
  const { runAnalyseLayerChild } = await import('./scanner/sandbox-child.ts')
  await runAnalyseLayerChild()
} else if (process.argv[2] === SERVE_CHILD_COMMAND) {
  const { runServeChild } = await import('./commands/serve-child.ts')
  await runServeChild()
} else if (process.argv[2] === UPDATE_CHILD_COMMAND) {
  const { runUpdateChild } = await import('./commands/update-child.ts')
  await runUpdateChild()
} else {
  const { runProgram } = await import('./commands/program.ts')
  process.exitCode = await runProgram(process.argv)
}
