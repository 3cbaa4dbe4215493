import { openDatabase } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { HandedConfig } from '../config/handed-config.ts'
import type { Log } from '../core/log.ts'
import { findSharedPort } from '../http/listeners.ts'
import { askedToStop } from './asked-to-stop.ts'
import { prepare } from './prepare.ts'
import { ServeProcesses } from './serve-processes.ts'
import { STOP_WORKERS_MS } from './serving.ts'
import { welcome } from './welcome.ts'

/** What a process may need besides the grace of its requests and jobs, in milliseconds. */
const STOP_REST_MS = 5_000

/**
 * Runs several processes that share the port; resolves when it was asked to stop and all of them have.
 *
 * This one serves nothing. It prepares the database, starts the others, starts again what dies, and stops them. When it
 * is killed they notice it and end.
 *
 * @throws Error with a sentence for people
 */
export async function supervise(config: Config, handed: HandedConfig, log: Log): Promise<void> {
  const { listen, processes: count, shutdown } = config
  if (process.platform !== 'linux') throw new Error('only Linux shares a port among processes: set processes to 1')
  if (listen.kind === 'unix') throw new Error('a socket file cannot be shared among processes: set processes to 1')
  const port = findSharedPort(listen)
  const processes = new ServeProcesses({ count, config: handed, port, log })
  const stopping = askedToStop(() => processes.kill())
  try {
    const prepared = prepareOnce(config)
    const begun = Promise.all([processes.start(prepared), prepared])
    begun.catch(() => {}) // it may fail because it was asked to stop
    const started = await Promise.race([begun, stopping.then(() => null)])
    if (started) {
      const [address, generatedPassword] = started
      process.stdout.write(welcome(address, config, generatedPassword))
      log.info('serving', { address, processes: count })
    }
    log.info('stopping', { signal: await stopping })
  } finally {
    await processes.stop(shutdown.graceSeconds * 1_000 + STOP_WORKERS_MS + STOP_REST_MS)
  }
}

async function prepareOnce(config: Config): Promise<string | null> {
  const db = await openDatabase(config)
  try {
    return await prepare(db, config)
  } finally {
    await db.close()
  }
}
