import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFolder } from '../tests/harness/temporary-folder.ts'
import type { Contender, Reader, RunningContender } from './contender.ts'
import { type Conditions, type CpuUnit, type Measurement, type RateUnit, type Report, titleOf } from './measurement.ts'
import { forgetPeak, processCost } from './process-cost.ts'
import { median } from './statistics.ts'

/** How much is measured. */
export interface Effort {
  /** Of each run under load. */
  readonly seconds: number
  /** Runs that count; the first one, which warms up, does not. */
  readonly repetitions: number
  /** Most that all clients of one run send or take together where whole blobs are counted, in bytes. */
  readonly bytesPerRun: number
}

/** A contender that is up. */
export interface Rival {
  readonly name: string
  readonly running: RunningContender
}

/** A column of one row: a server, asked in one way. */
export interface Lane {
  readonly contender: string
  readonly rival: Rival
  readonly reader: Reader
}

/** What one run of one lane found. */
export interface Sample {
  readonly rate: number
  readonly p99Ms?: number
  /** In the unit of the row. */
  readonly cpu: number
}

/** A row of the table. */
export interface Row {
  readonly task: string
  readonly conditions: Conditions
  readonly rateUnit: RateUnit
  readonly cpuUnit: CpuUnit
}

/** Everything that a phase of the bench works with, and where it leaves what it found. */
export class Arena {
  readonly effort: Effort
  readonly measurements: Measurement[] = []
  readonly memory: Report['memory'][number][] = []
  readonly notes: string[] = []
  readonly #contenders: readonly Contender[]
  readonly #folder: string
  #rivals: readonly Rival[] = []
  #lives = 0

  /** @param folder  for everything that the servers keep */
  constructor(contenders: readonly Contender[], folder: string, effort: Effort) {
    this.#contenders = contenders
    this.#folder = folder
    this.effort = effort
  }

  get rivals(): readonly Rival[] {
    return this.#rivals
  }

  /** Starts every server on an empty store; those of the phase before are ended, and what they kept is removed. */
  async renew(): Promise<void> {
    await this.stop()
    const life = join(this.#folder, `life-${++this.#lives}`)
    for (const contender of this.#contenders) {
      const own = join(life, contender.name.replaceAll(' ', '-').toLowerCase())
      await mkdir(own, { recursive: true })
      this.#rivals = [...this.#rivals, { name: contender.name, running: await contender.start(own) }]
    }
  }

  async stop(): Promise<void> {
    const ending = this.#rivals
    this.#rivals = []
    for (const { running } of ending) await running.stop()
    await removeFolder(join(this.#folder, `life-${this.#lives}`))
  }

  /** One lane per server; with `everybody`, one per way of asking it. */
  lanes(readers: 'first' | 'everybody' = 'first'): Lane[] {
    return this.#rivals.flatMap((rival) =>
      rival.running.readers.slice(0, readers === 'first' ? 1 : undefined).map((reader, position) => ({
        contender: position === 0 ? rival.name : `${rival.name}, ${reader.label}`,
        rival,
        reader,
      })),
    )
  }

  /**
   * Measures one row, in turns: what disturbs the machine for a while disturbs all of them.
   *
   * @param run  round 0 warms up, and is not counted
   */
  async compare<L extends { readonly contender: string }>(
    row: Row,
    lanes: readonly L[],
    run: (lane: L, round: number) => Promise<Sample | null>,
  ): Promise<void> {
    console.error(`${titleOf(row)} ...`)
    const samples = new Map<L, Sample[]>(lanes.map((lane) => [lane, []]))
    for (let round = 0; round <= this.effort.repetitions; round += 1) {
      for (const [lane, found] of samples) {
        try {
          const sample = await run(lane, round)
          if (round > 0 && sample) found.push(sample)
        } catch (error) {
          samples.delete(lane)
          this.note(`${lane.contender} fails "${titleOf(row)}": ${error instanceof Error ? error.message : error}`)
        }
      }
    }
    for (const [{ contender }, found] of samples) if (found.length > 0) this.#keep(row, contender, found)
  }

  note(text: string): void {
    console.error(`  ${text}`)
    this.notes.push(text)
  }

  results(): Pick<Report, 'measurements' | 'memory' | 'notes'> {
    return { measurements: this.measurements, memory: this.memory, notes: this.notes }
  }

  /** Reads the highest memory since the last time, and forgets it. */
  readMemory(phase: string): void {
    for (const { name, running } of this.#rivals) {
      this.memory.push({ phase, contender: name, peakBytes: processCost(running.pid).peakBytes })
      forgetPeak(running.pid)
    }
  }

  #keep(row: Row, contender: string, samples: readonly Sample[]): void {
    const latencies = samples.flatMap(({ p99Ms }) => p99Ms ?? [])
    const runs = samples.map(({ rate }) => rate)
    const found: Measurement = {
      ...row,
      contender,
      rate: median(runs),
      cpu: median(samples.map(({ cpu }) => cpu)),
      runs,
      ...(latencies.length > 0 && { p99Ms: median(latencies) }),
    }
    this.measurements.push(found)
    console.error(
      `  ${contender}: ${Math.round(found.rate)}${found.rateUnit}, ${found.cpu.toPrecision(3)}${found.cpuUnit}`,
    )
  }
}
