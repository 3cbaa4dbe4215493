import { ANALYSE_LAYER_COMMAND } from './scanner/sandbox/child-command.ts'

/**
 * The program's beginning. The process that reads layers must come up quickly and hold nothing else, so it is told apart
 * before anything is loaded.
 */
if (process.argv[2] === ANALYSE_LAYER_COMMAND) {
  const { runAnalyseLayerChild } = await import('./scanner/sandbox-child.ts')
  await runAnalyseLayerChild()
} else {
  const { runProgram } = await import('./commands/program.ts')
  process.exitCode = await runProgram(process.argv)
}
