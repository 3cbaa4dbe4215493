import type { Log } from '../core/log.ts'
import { programCommand } from '../scanner/sandbox/child-command.ts'
import { type Assignment, SERVE_CHILD_COMMAND, type ToChild, type ToSupervisor } from './process-messages.ts'

/** The first pause before a process that has died is started again, in milliseconds; it doubles each time. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000

/** After this long the process is taken for well again, and the next pause is the first one, in milliseconds. */
const WELL_AFTER_MS = 60_000

/** What a process that serves is started with. */
export interface ServeProcessOptions {
  readonly assignment: Assignment
  readonly log: Log
  readonly onMessage: (message: ToSupervisor, from: ServeProcess) => void
}

/** One of the processes that serve: it is started again whenever it dies, until it is asked to stop. */
export class ServeProcess {
  readonly assignment: Assignment
  readonly #log: Log
  readonly #onMessage: (message: ToSupervisor, from: ServeProcess) => void
  readonly #first = Promise.withResolvers<string>()
  #child: Bun.Subprocess | null = null
  #pause: ReturnType<typeof setTimeout> | null = null
  #pauseMs = FIRST_PAUSE_MS
  #isServing = false
  #hasServed = false
  #isStopping = false

  constructor({ assignment, log, onMessage }: ServeProcessOptions) {
    this.assignment = assignment
    this.#log = log
    this.#onMessage = onMessage
  }

  /** Whether it takes requests at this moment. */
  get isServing(): boolean {
    return this.#isServing
  }

  /**
   * Answers the address once it serves.
   *
   * @param prepared  what it must wait for before it touches anything; meanwhile it loads its program
   * @throws Error with its reason when it ends before that
   */
  start(prepared: Promise<unknown>): Promise<string> {
    this.#spawn(prepared)
    return this.#first.promise
  }

  send(message: ToChild): void {
    try {
      this.#child?.send(message)
    } catch {
      // It has just died: what is started in its place learns what there is then.
    }
  }

  /** Asks it to finish what is in flight, and ends it by force when it takes too long. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true
    if (this.#pause) clearTimeout(this.#pause)
    const child = this.#child
    if (!child) return
    this.send({ kind: 'stop' })
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
    await child.exited
    clearTimeout(timer)
  }

  /** Ends it at once. */
  kill(): void {
    this.#isStopping = true
    this.#child?.kill('SIGKILL')
  }

  #spawn(prepared: Promise<unknown>): void {
    const startedAt = performance.now()
    const child = Bun.spawn([...programCommand(SERVE_CHILD_COMMAND)], {
      env: process.env,
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      serialization: 'json',
      // It is this program's own child, and says nothing else.
      ipc: (message) => this.#hear(message as ToSupervisor),
      onExit: (_, code, signal) => this.#ended(code, signal, performance.now() - startedAt),
    })
    this.#child = child
    // Whoever waits for the preparation hears when it fails.
    prepared.then(
      () => this.send({ kind: 'start', ...this.assignment }),
      () => {},
    )
  }

  #hear(message: ToSupervisor): void {
    if (message.kind === 'serving') {
      this.#isServing = true
      this.#hasServed = true
      this.#first.resolve(message.address)
    }
    if (message.kind === 'failed') this.#first.reject(new Error(message.reason))
    this.#onMessage(message, this)
  }

  #ended(code: number | null, signal: number | string | null, livedMs: number): void {
    this.#isServing = false
    this.#child = null
    if (this.#isStopping) return
    const { process } = this.assignment
    // Before it has served at all something is wrong that a second try does not mend, such as a bad certificate.
    if (!this.#hasServed) {
      this.#first.reject(new Error(`process ${process} ended before it served`))
      return
    }
    if (livedMs > WELL_AFTER_MS) this.#pauseMs = FIRST_PAUSE_MS
    this.#log.warn('process ended, starting another', { process, code, signal, pauseMs: this.#pauseMs })
    this.#pause = setTimeout(() => this.#spawn(Promise.resolve()), this.#pauseMs)
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }
}
