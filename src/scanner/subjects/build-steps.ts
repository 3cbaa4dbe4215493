import type { ImageConfig } from './image-documents.ts'

/** A step may hold a whole script; what is shown is cut here. */
const MAX_STEP = 4096

/**
 * The build step of each layer, bottom first (image-spec 1.1, "Image Configuration", `history`).
 *
 * Null for all when the history does not fit the layers: a wrong step is worse than none.
 */
export function buildSteps(config: Pick<ImageConfig, 'history'>, layers: number): (string | null)[] {
  const steps = (config.history ?? []).filter((entry) => !entry.empty_layer)
  if (steps.length !== layers) return Array.from({ length: layers }, () => null)
  return steps.map((entry) => cleanStep(entry.created_by ?? '') || null)
}

/** Turns what a builder noted into the line of the Dockerfile it came from. */
export function cleanStep(createdBy: string): string {
  const text = createdBy
    .slice(0, MAX_STEP)
    .replace(/\s*# buildkit\s*$/, '')
    .trim()
  const instruction = /^\/bin\/sh -c #\(nop\)\s*(.*)$/s.exec(text)?.[1]
  if (instruction !== undefined) return instruction.trim()
  const command = shellCommand(text.replace(/^RUN\s+/, ''))
  return command === null ? text : `RUN ${command}`
}

/** `|2 A=1 B=2 /bin/sh -c make`: the build arguments in front say nothing about the step. */
function shellCommand(text: string): string | null {
  const match = /^(?:\|\d+ .*? )?\/bin\/\w*sh (?:-\w+ |pipefail )*?-\w*c (.*)$/s.exec(text)
  return match?.[1]?.trim() ?? null
}
