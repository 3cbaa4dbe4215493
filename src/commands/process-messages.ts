import type { HandedConfig } from '../config/handed-config.ts'
import type { Measured } from '../telemetry/joined-metrics.ts'

/** The command of `main.ts` that calls `runServeChild`. */
export const SERVE_CHILD_COMMAND = 'serve-child'

/** What a process that serves is told before anything else. */
export interface Assignment {
  readonly config: HandedConfig
  /** Which of them it is, from 1; its place in logs and metrics. */
  readonly process: number
  readonly port: number
  /** Whether it also does the jobs. */
  readonly works: boolean
  /** The process id of who started it. */
  readonly supervisor: number
}

/** What the supervisor says to a process that serves. */
export type ToChild =
  | ({ readonly kind: 'start' } & Assignment)
  /** Finish what is in flight, and end. */
  | { readonly kind: 'stop' }
  /** Another process has added a job. */
  | { readonly kind: 'job' }
  /** Answer with `measured`. */
  | { readonly kind: 'measure'; readonly question: number }
  /** The answer to `read-metrics`. */
  | { readonly kind: 'metrics'; readonly question: number; readonly text: string }

/** What a process that serves says to the supervisor. */
export type ToSupervisor =
  | { readonly kind: 'serving'; readonly address: string }
  /** It could not start, for a reason that a person can read. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'job' }
  | { readonly kind: 'measured'; readonly question: number; readonly measured: Measured }
  /** Somebody reads the metrics: those of all processes are wanted. */
  | { readonly kind: 'read-metrics'; readonly question: number }
