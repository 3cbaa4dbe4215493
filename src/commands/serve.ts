import { type App, createApp } from '../app.ts'
import { releaseAllUploads } from '../catalog/uploads.ts'
import type { Config } from '../config/config.ts'
import { keepsDataHere } from '../config/keeps-data-here.ts'
import type { Log } from '../core/log.ts'
import { createHandler, type HandlerParts } from '../http/handler.ts'
import { AccessGate } from '../http/management/access-gate.ts'
import { createManagementApplication } from '../http/management/management.ts'
import { startServer } from '../http/server.ts'
import { countJobs, releaseAllJobs } from '../jobs/queue.ts'
import { Worker } from '../jobs/worker.ts'
import { lockDataFolder } from '../storage/data-folder-lock.ts'
import { createLog } from '../telemetry/create-log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { giveUpScan, maintenanceHandlers, scanHandlers, startRepeating } from './job-handlers.ts'
import { VERSION } from './version.ts'
import { welcome } from './welcome.ts'

/** How long jobs may take to come to a stop, after the requests have. */
const STOP_WORKERS_MS = 5_000

/** Runs the registry; resolves when it was asked to stop and has finished what was in flight. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.log)
  const unlock = keepsDataHere(config) ? await lockDataFolder(config.data) : () => {}
  try {
    await serveLocked(config, log)
  } finally {
    unlock()
    // A download that does not heed the end must not keep the process; everything that counts is closed by now.
    setTimeout(() => process.exit(), 1_000).unref()
  }
}

async function serveLocked(config: Config, log: Log): Promise<void> {
  const metrics = new Metrics()
  const workers: Worker[] = []
  const onJob = (): void => {
    for (const worker of workers) worker.poke()
  }
  const app = await createApp(config, log, onJob)
  workers.push(
    new Worker({
      db: app.db,
      handlers: scanHandlers(app, metrics),
      concurrency: config.scan.workers,
      log,
      onGivenUp: (job) => giveUpScan(app, job),
    }),
    new Worker({ db: app.db, handlers: maintenanceHandlers(app), concurrency: 1, log }),
  )
  metrics.watch('seawall_jobs', 'Jobs that wait, run or have failed.', 'kind_state', () => jobCounts(app))
  try {
    // Nobody else can be writing: a claim that is left is that of a process that has died.
    if (keepsDataHere(config)) {
      await app.db.transaction(releaseAllUploads)
      await app.db.transaction((tx) => releaseAllJobs(tx, Date.now()))
    }
    await startRepeating(app)
    const server = await startServer({
      config,
      handler: createHandler(handlerParts(app, metrics, onJob)),
      log,
      metrics,
    })
    for (const worker of workers) worker.start()
    process.stdout.write(welcome(server.address, config, app.generatedPassword))
    log.info('serving', { address: server.address })
    log.info('stopping', { signal: await askedToStop() })
    await server.stop()
  } finally {
    await Promise.all(workers.map((worker) => worker.stop(STOP_WORKERS_MS)))
    await app.close()
  }
}

function handlerParts(app: App, metrics: Metrics, onJob: () => void): HandlerParts {
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

/** A second signal ends the process at once: the first one's grace may be too long for somebody. */
function askedToStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(1))
      })
    }
  })
}
