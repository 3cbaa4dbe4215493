/** One cell of the table: how one server did in one measure, the median of several runs. */
export interface Measurement {
  /** `manifest GET by tag, 1,000 tags` */
  readonly measure: string
  /** `Seawall, anonymous` */
  readonly contender: string
  readonly rate: number
  readonly rateUnit: '/s' | ' MB/s'
  /** Absent where single transfers are measured. */
  readonly p99Ms?: number
  /** CPU time of the server for one unit of work. */
  readonly cpu: number
  readonly cpuUnit: ' us CPU' | ' s CPU per GB' | ' s CPU'
  /** Every run's rate, so that their spread can be seen. */
  readonly runs: readonly number[]
}

/** What the whole run found. */
export interface Report {
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly measurements: readonly Measurement[]
  /** Highest resident memory of each server so far, in bytes, by the phase after which it was read. */
  readonly memory: readonly { readonly phase: string; readonly contender: string; readonly peakBytes: number }[]
  /** What was left out and why. */
  readonly notes: readonly string[]
}
