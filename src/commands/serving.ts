import { type App, createApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../core/log.ts'
import { createHandler, type HandlerParts } from '../http/handler.ts'
import { AccessGate } from '../http/management/access-gate.ts'
import { createManagementApplication } from '../http/management/management.ts'
import type { MetricsText } from '../http/metrics.ts'
import { startServer } from '../http/server.ts'
import { countJobs } from '../jobs/queue.ts'
import { Worker } from '../jobs/worker.ts'
import type { Database } from '../storage/database.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { collectionHandlers } from './collection-jobs.ts'
import { healthWorkers } from './health-jobs.ts'
import { giveUpScan, maintenanceHandlers, scanHandlers } from './job-handlers.ts'
import { retentionHandlers } from './retention-jobs.ts'
import { VERSION } from './version.ts'

/** How long jobs may take to come to a stop, after the requests have, in milliseconds. */
export const STOP_WORKERS_MS = 5_000

/** What one process serves with. */
export interface ServingParts {
  readonly config: Config
  readonly log: Log
  /** Prepared; closed in the end, also when serving does not begin. */
  readonly db: Database
  readonly metrics: Metrics
  /** What `/metrics` shows; this process's own when absent. */
  readonly shownMetrics?: MetricsText
  /** Whether it also does the jobs. */
  readonly works: boolean
  readonly sharesPort: boolean
  /** Tells who does the jobs that there is one, when it is not this process. */
  readonly onJob?: () => void
}

/** A process that serves. */
export interface Serving {
  readonly address: string
  /** Looks for jobs at once. */
  poke(): void
  /** Finishes what is in flight, within the grace, and closes everything. */
  stop(): Promise<void>
}

/** Begins to serve. @throws Error with a sentence for people when it cannot listen */
export async function startServing(parts: ServingParts): Promise<Serving> {
  const { config, log, metrics } = parts
  const workers: Worker[] = []
  const poke = (): void => {
    for (const worker of workers) worker.poke()
  }
  const onJob = parts.works ? poke : (parts.onJob ?? poke)
  const app = await createApp(config, log, parts.db, onJob)
  if (parts.works) {
    workers.push(...createWorkers(app, metrics))
    // Of the database, not of a process: one of them tells it, or a sum over all would be too much.
    metrics.watch('seawall_jobs', 'Jobs that wait, run or have failed.', 'kind_state', () => jobCounts(app))
  }
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop(STOP_WORKERS_MS)))
    await app.close()
  }
  try {
    const handler = createHandler(handlerParts(app, parts.shownMetrics ?? metrics, onJob))
    const server = await startServer({ config, handler, log, metrics, sharesPort: parts.sharesPort })
    for (const worker of workers) worker.start()
    return { address: server.address, poke, stop: () => server.stop().finally(close) }
  } catch (error) {
    await close()
    throw error
  }
}

function createWorkers(app: App, metrics: Metrics): Worker[] {
  const { db, log, config } = app
  return [
    new Worker({
      db,
      handlers: scanHandlers(app, metrics),
      concurrency: config.scan.workers,
      log,
      onGivenUp: (job) => giveUpScan(app, job),
    }),
    new Worker({ db, handlers: maintenanceHandlers(app), concurrency: 1, log }),
    new Worker({ db, handlers: collectionHandlers(app, metrics), concurrency: 1, log }),
    new Worker({ db, handlers: retentionHandlers(app, metrics), concurrency: 1, log }),
    ...healthWorkers(app, metrics),
  ]
}

function handlerParts(app: App, metrics: MetricsText, onJob: () => void): HandlerParts {
  const { config, log, auth, oci, db, directory, registry, blobs } = app
  const gate = new AccessGate(auth.permissions, directory)
  return {
    config,
    log,
    auth,
    oci,
    management: createManagementApplication({ db, directory, auth, registry, clock: Date.now, gate, onJob }),
    metrics,
    version: VERSION,
    dependencies: [
      { name: 'database', ping: () => db.ping() },
      { name: 'store', ping: () => blobs.ping() },
    ],
  }
}

async function jobCounts({ db }: App): Promise<Record<string, number>> {
  return Object.fromEntries((await countJobs(db)).map(({ kind, state, jobs }) => [`${kind}_${state}`, jobs]))
}
