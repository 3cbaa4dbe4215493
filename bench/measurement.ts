/** What was varied; a row of the table is a task with one value of each. */
export interface Conditions {
  /** In the image that is asked for. */
  readonly tags?: number
  /** In the registry. */
  readonly images?: number
  readonly megabytes?: number
  readonly clients?: number
}

/** One cell of the table: how one server did in one row, the median of several runs. */
export interface Measurement {
  /** `manifest GET by tag` */
  readonly task: string
  readonly conditions: Conditions
  /** `Seawall`, or `Seawall, token` */
  readonly contender: string
  readonly rate: number
  readonly rateUnit: RateUnit
  /** Absent where single transfers are measured. */
  readonly p99Ms?: number
  /** CPU time of the server for one unit of work. */
  readonly cpu: number
  readonly cpuUnit: CpuUnit
  /** Every run's rate, so that their spread can be seen. */
  readonly runs: readonly number[]
}

export type RateUnit = '/s' | ' MB/s' | ' s'
export type CpuUnit = ' us CPU' | ' s CPU per GB' | ' s CPU'

/** What the whole run found. */
export interface Report {
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly measurements: readonly Measurement[]
  /** Highest resident memory of each server, in bytes, since the phase before. */
  readonly memory: readonly { readonly phase: string; readonly contender: string; readonly peakBytes: number }[]
  /** What was left out and why. */
  readonly notes: readonly string[]
}

/** The row's name: `manifest GET by tag, 1,000 tags, 1 image`. */
export function titleOf({ task, conditions }: Pick<Measurement, 'task' | 'conditions'>): string {
  const { tags, images, megabytes, clients } = conditions
  const parts = [
    megabytes === undefined ? task : `${task} ${megabytes.toLocaleString('en')} MB`,
    ...counted(clients, 'client'),
    ...counted(tags, 'tag'),
    ...counted(images, 'image'),
  ]
  return parts.join(', ')
}

function counted(count: number | undefined, noun: string): string[] {
  return count === undefined ? [] : [`${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`]
}
