import { join } from 'node:path'

/** The command of `main.ts` that calls `runAnalyseLayerChild`. */
export const ANALYSE_LAYER_COMMAND = 'analyse-layer'

/** How to start this program once more as the reader of a layer: from source with its main file, else alone. */
export function childCommand(): readonly string[] {
  return programCommand(ANALYSE_LAYER_COMMAND)
}

/** How to start this program once more with other words. */
export function programCommand(...words: readonly string[]): readonly string[] {
  if (isCompiled()) return [process.execPath, ...words]
  return [process.execPath, join(import.meta.dir, '..', '..', 'main.ts'), ...words]
}

/** An executable made by `bun build --compile` carries its sources in a file system of its own. */
function isCompiled(): boolean {
  return import.meta.dir.startsWith('/$bunfs/') || /^[A-Z]:[\\/]~BUN/.test(import.meta.dir)
}
