import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { CLAIM_MS, claimJob, failJob, finishJob, hasTurn, type Job, renewJob } from './queue.ts'

/** Does one kind of job. What it throws puts the job back for a later try. */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<void>

/** What a worker needs. */
export interface WorkerOptions {
  readonly db: Database
  readonly handlers: Readonly<Record<string, JobHandler>>
  /** Jobs done at once. */
  readonly concurrency: number
  readonly log: Log
}

const POLL_MS = 1_000
/** What fails so often is set aside: with the waiting in between that is most of a day. */
const MOST_ATTEMPTS = 100
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
    await Promise.race([Promise.all(this.#loops), Bun.sleep(waitMs)])
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
    const { db, handlers, log } = this.#options
    const renewal = setInterval(() => void renewJob(db, job.id, by, Date.now()).catch(() => {}), CLAIM_MS / 3)
    try {
      const handler = handlers[job.kind]
      if (!handler) throw new Error(`no handler for jobs of kind ${job.kind}`)
      await handler(job, this.#stopping.signal)
      await finishJob(db, job.id, by)
    } catch (error) {
      const isStopping = this.#stopping.signal.aborted
      if (!isStopping) log.error('jobs.failed', error, { kind: job.kind, subject: job.subject, attempts: job.attempts })
      const again = isStopping || job.attempts < MOST_ATTEMPTS
      const delay = isStopping ? 0 : Math.min(LONGEST_DELAY_MS, 1_000 * 4 ** job.attempts)
      await failJob(db, job.id, by, String(error), again ? Date.now() + delay : null)
    } finally {
      clearInterval(renewal)
    }
  }
}
