import type { Log } from '../core/log.ts'
import type { Collector } from './collector.ts'

/** The kind of job that runs the collector. */
export const COLLECT_JOB = 'collect'

/** Waits between two steps, as long as the last step's length in milliseconds asks for. */
export type Pause = (tookMs: number) => Promise<void>

/** How one run of the collector goes. */
export interface CollectRun {
  readonly pause: Pause
  readonly signal: AbortSignal
  /** Steps after which the run ends, for the next one to go on. */
  readonly mostSteps: number
  readonly log: Log
}

/**
 * Lets a collector take steps from each of its queues in turn, so that a long one keeps no other waiting, until nothing is
 * due. With nothing to do it asks each queue once and writes nothing.
 *
 * A queue that fails is left for the next run; the others need not wait for what is wrong with it.
 *
 * @returns false when it has come to the last step before the end: the next run should begin at once
 */
export async function collect(
  collector: Pick<Collector, 'reviewLinks' | 'purgeDeletions' | 'removeBytes'>,
  { pause, signal, mostSteps, log }: CollectRun,
): Promise<boolean> {
  const queues = new Map<string, () => Promise<boolean>>([
    ['reviews', () => collector.reviewLinks()],
    ['deletions', () => collector.purgeDeletions()],
    ['bytes', () => collector.removeBytes()],
  ])
  let steps = 0
  while (queues.size > 0) {
    for (const [name, step] of queues) {
      signal.throwIfAborted()
      const begun = performance.now()
      try {
        if (!(await step())) queues.delete(name)
      } catch (error) {
        log.error('collection.failed', error, { queue: name })
        queues.delete(name)
      }
      if (!queues.has(name)) continue
      if (++steps >= mostSteps) return false
      await pause(performance.now() - begun)
    }
  }
  return true
}
