import { openDatabase } from '../app.ts'
import { parseDatabaseAddress } from '../config/database-address.ts'
import { updateAdvisories } from '../scanner/advisories/update.ts'
import { createLog } from '../telemetry/create-log.ts'
import type { UpdateEnd, UpdateTask } from './update-task.ts'

/** The process that updates the advisories for a server: it does one task, and ends when the server has gone. */
export async function runUpdateChild(): Promise<void> {
  process.on('disconnect', () => process.exit(1))
  // A terminal sends Ctrl-C to all of a group: the server decides.
  process.on('SIGINT', () => {})
  const { promise: given, resolve: take } = Promise.withResolvers<UpdateTask>()
  process.once('message', take)
  const failure = await update(await given).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const end: UpdateEnd = { failure }
  process.send?.(end, undefined, undefined, () => process.exit(failure === null ? 0 : 1))
}

/** The database was brought up to date by the server. */
async function update({ database, sources, mirrorUrl, temporaryFolder, log }: UpdateTask): Promise<void> {
  const db = await openDatabase({ database: parseDatabaseAddress(database) })
  try {
    const settings = { sources, temporaryFolder, ...(mirrorUrl !== null && { mirrorUrl }) }
    await updateAdvisories(db, settings, createLog(log))
  } finally {
    await db.close()
  }
}
