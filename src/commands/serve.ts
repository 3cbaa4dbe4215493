import { openDatabase } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { HandedConfig } from '../config/handed-config.ts'
import { keepsDataHere } from '../config/keeps-data-here.ts'
import type { Log } from '../core/log.ts'
import { lockDataFolder } from '../storage/data-folder-lock.ts'
import { createLog } from '../telemetry/create-log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { askedToStop } from './asked-to-stop.ts'
import { prepare } from './prepare.ts'
import { startServing } from './serving.ts'
import { supervise } from './supervise.ts'
import { welcome } from './welcome.ts'

/** Runs the registry; resolves when it was asked to stop and has finished what was in flight. */
export async function serve(config: Config, handed: HandedConfig): Promise<void> {
  const log = createLog(config.log)
  const unlock = keepsDataHere(config) ? await lockDataFolder(config.data) : () => {}
  try {
    if (config.processes > 1) await supervise(config, handed, log)
    else await serveAlone(config, log)
  } finally {
    unlock()
    // A download that does not heed the end must not keep the process; everything that counts is closed by now.
    setTimeout(() => process.exit(), 1_000).unref()
  }
}

async function serveAlone(config: Config, log: Log): Promise<void> {
  const db = await openDatabase(config)
  const generatedPassword = await prepare(db, config).catch(async (error) => {
    await db.close()
    throw error
  })
  const serving = await startServing({ config, log, db, metrics: new Metrics(), works: true, sharesPort: false })
  process.stdout.write(welcome(serving.address, config, generatedPassword))
  log.info('serving', { address: serving.address })
  log.info('stopping', { signal: await askedToStop() })
  await serving.stop()
}
