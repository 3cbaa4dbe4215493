import { Registry } from 'prom-client'
import type { HandedConfig } from '../config/handed-config.ts'
import type { Log } from '../core/log.ts'
import { joinedMetrics, type Measured } from '../telemetry/joined-metrics.ts'
import { registerProcessMetrics } from '../telemetry/process-metrics.ts'
import type { ToSupervisor } from './process-messages.ts'
import { ServeProcess } from './serve-process.ts'

/** How long a process may take to say what it measures, in milliseconds: one that is too busy is left out this once. */
const MEASURE_PATIENCE_MS = 1_500

/** What the processes are started with. */
export interface ServeProcessesOptions {
  readonly count: number
  readonly config: HandedConfig
  readonly port: number
  readonly log: Log
}

/** The processes that share a port, and what goes between them. The first one also does the jobs. */
export class ServeProcesses {
  readonly #processes: readonly ServeProcess[]
  readonly #own = new Registry()
  readonly #gathering = new Map<number, (from: ServeProcess, measured: Measured) => void>()
  #questions = 0

  constructor({ count, config, port, log }: ServeProcessesOptions) {
    this.#processes = Array.from({ length: count }, (_, at) => {
      const assignment = { config, port, process: at + 1, works: at === 0, supervisor: process.pid }
      return new ServeProcess({ assignment, log, onMessage: (message, from) => this.#hear(message, from) })
    })
    registerProcessMetrics(this.#own)
  }

  /**
   * Answers the address once all of them serve.
   *
   * @param prepared  what they wait for while they load
   * @throws Error when one of them cannot
   */
  async start(prepared: Promise<unknown>): Promise<string> {
    const [address = ''] = await Promise.all(this.#processes.map((each) => each.start(prepared)))
    return address
  }

  async stop(withinMs: number): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop(withinMs)))
  }

  /** Ends all of them at once. */
  kill(): void {
    for (const each of this.#processes) each.kill()
  }

  #hear(message: ToSupervisor, from: ServeProcess): void {
    if (message.kind === 'job') {
      for (const each of this.#processes) if (each.assignment.works) each.send({ kind: 'job' })
    }
    if (message.kind === 'measured') this.#gathering.get(message.question)?.(from, message.measured)
    if (message.kind === 'read-metrics') {
      const { question } = message
      void this.#metrics().then((text) => from.send({ kind: 'metrics', question, text }))
    }
  }

  async #metrics(): Promise<string> {
    const gathered = await this.#measure()
    gathered.set('supervisor', await this.#own.getMetricsAsJSON())
    return joinedMetrics(gathered)
  }

  /** What each process that serves measures, by its number. */
  #measure(): Promise<Map<string, Measured>> {
    const question = ++this.#questions
    const asked = this.#processes.filter((each) => each.isServing)
    const gathered = new Map<string, Measured>()
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        this.#gathering.delete(question)
        resolve(gathered)
      }
      const timer = setTimeout(finish, MEASURE_PATIENCE_MS)
      this.#gathering.set(question, (from, measured) => {
        gathered.set(String(from.assignment.process), measured)
        if (gathered.size === asked.length) finish()
      })
      for (const each of asked) each.send({ kind: 'measure', question })
    })
  }
}
