import { prepareDatabase } from '../app.ts'
import { releaseAllUploads } from '../catalog/uploads.ts'
import type { Config } from '../config/config.ts'
import { isDatabaseHere } from '../config/keeps-data-here.ts'
import { releaseAllJobs } from '../jobs/queue.ts'
import type { MigratableDatabase } from '../storage/migratable-database.ts'
import { startRepeating } from './job-handlers.ts'

/**
 * Does what must be done once before anything serves, in however many processes. The caller holds the data folder.
 *
 * @returns the administrator's password, to be shown this once; null when none was made up
 */
export async function prepare(db: MigratableDatabase, config: Config): Promise<string | null> {
  const generatedPassword = await prepareDatabase(db, config)
  // Nobody else can be writing: a claim that is left is that of a process that has died. Replicas may be at work on a
  // database that is elsewhere, also when they share a disk: there claims end by themselves.
  if (isDatabaseHere(config)) {
    await db.transaction(releaseAllUploads)
    await db.transaction((tx) => releaseAllJobs(tx, Date.now()))
  }
  await startRepeating({ db, config })
  return generatedPassword
}
