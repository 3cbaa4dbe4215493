import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { CLAIM_MS, claimJob, failJob, finishJob, handBackJob, hasTurn, type Job, renewJob } from './queue.ts'

/** Does one kind of job. What it throws puts the job back for a later try. */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<void>

/** What a worker needs. */
export interface WorkerOptions {
  readonly db: Database
  readonly handlers: Readonly<Record<string, JobHandler>>
  /** Jobs done at once. */
  readonly concurrency: number
  readonly log: Log
  /** Called after a job has failed for good, so that what waits for it can be told. */
  readonly onGivenUp?: (job: Job) => Promise<void>
}

const POLL_MS = 1_000
/** What fails so often is set aside: with the waiting in between that is most of a day. */
export const MOST_ATTEMPTS = 100
const LONGEST_DELAY_MS = 600_000

/** Claims jobs and does them, until it is stopped. Several may run on one database, in any number of processes. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #id = crypto.randomUUID()
  readonly #stopping = new AbortController()
  readonly #loops: Promise<void>[] = []
  readonly #kinds: readonly string[]
  readonly #sleepers = new Set<() => void>()

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#kinds = Object.keys(options.handlers)
  }

  start(): void {
    for (let n = 0; n < this.#options.concurrency; n++) this.#loops.push(this.#loop(`${this.#id}-${n}`))
  }

  /** Says that there is a new job, so that it need not wait for the next look. */
  poke(): void {
    for (const wake of [...this.#sleepers]) wake()
  }

  /**
   * Takes no new jobs, asks those under way to stop, and waits for them up to a time. One that does not heed it is done
   * again by somebody else, when its claim has run out.
   */
  async stop(waitMs: number): Promise<void> {
    this.#stopping.abort()
    this.poke()
    const { promise: tooLate, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMs)
    await Promise.race([Promise.all(this.#loops), tooLate])
    clearTimeout(timer)
  }

  async #loop(by: string): Promise<void> {
    const { db, log } = this.#options
    while (!this.#stopping.signal.aborted) {
      try {
        const isTurn = await hasTurn(db, this.#kinds, Date.now())
        const job = isTurn ? await claimJob(db, this.#kinds, by, Date.now()) : null
        if (job) await this.#work(job, by)
        else await this.#pause()
      } catch (error) {
        log.error('jobs.loop_failed', error)
        await this.#pause()
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, this.#stopping.signal.aborted ? 0 : POLL_MS)
      this.#sleepers.add(wake)
    })
  }

  async #work(job: Job, by: string): Promise<void> {
    const { db, handlers } = this.#options
    const renewal = setInterval(() => void renewJob(db, job.id, by, Date.now()).catch(() => {}), CLAIM_MS / 3)
    try {
      // Its workers never came to say that it failed: it may be what ended them.
      if (job.attempts > MOST_ATTEMPTS) throw new Error(`its worker ended without a word ${job.attempts - 1} times`)
      const handler = handlers[job.kind]
      if (!handler) throw new Error(`no handler for jobs of kind ${job.kind}`)
      await handler(job, this.#stopping.signal)
      await finishJob(db, job.id, by)
    } catch (error) {
      if (this.#stopping.signal.aborted) await handBackJob(db, job.id, by, Date.now())
      else await this.#fail(job, by, error)
    } finally {
      clearInterval(renewal)
    }
  }

  async #fail(job: Job, by: string, error: unknown): Promise<void> {
    const { db, log, onGivenUp } = this.#options
    const isLast = job.attempts >= MOST_ATTEMPTS
    log.error('jobs.failed', error, { kind: job.kind, subject: job.subject, attempts: job.attempts, isLast })
    const delay = Math.min(LONGEST_DELAY_MS, 1_000 * 4 ** job.attempts)
    await failJob(db, job.id, by, String(error), isLast ? null : Date.now() + delay)
    if (isLast) await onGivenUp?.(job)
  }
}
