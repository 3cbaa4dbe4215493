import type { RunningContender } from './contender.ts'
import type { Measurement, Report } from './measurement.ts'
import { processCost } from './process-cost.ts'

/** How much is measured. */
export interface Effort {
  readonly seconds: number
  readonly repetitions: number
}

/** A contender that is up. */
export interface Rival {
  readonly name: string
  readonly running: RunningContender
}

/** Everything that a phase of the bench works with, and where it leaves what it found. */
export class Arena {
  readonly rivals: readonly Rival[]
  readonly effort: Effort
  readonly measurements: Measurement[] = []
  readonly memory: Report['memory'][number][] = []
  readonly notes: string[] = []

  constructor(rivals: readonly Rival[], effort: Effort) {
    this.rivals = rivals
    this.effort = effort
  }

  note(text: string): void {
    console.error(`  ${text}`)
    this.notes.push(text)
  }

  results(): Pick<Report, 'measurements' | 'memory' | 'notes'> {
    return { measurements: this.measurements, memory: this.memory, notes: this.notes }
  }

  readMemory(phase: string): void {
    for (const { name, running } of this.rivals) {
      this.memory.push({ phase, contender: name, peakBytes: processCost(running.pid).peakBytes })
    }
  }
}
