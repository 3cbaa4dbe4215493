import { Database as SqliteFile } from 'bun:sqlite'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Another program is serving from the folder. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse'
}

/**
 * Keeps a second server off a data folder.
 *
 * The lock is the operating system's own lock on a file, taken through a database that is held in exclusive mode: it
 * goes with the process, however that ends, so nothing is left to clean up after a crash.
 *
 * @returns lets go of the folder
 * @throws DataFolderInUse
 */
export async function lockDataFolder(folder: string): Promise<() => void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = new SqliteFile(join(folder, 'server.lock'), { create: true })
  try {
    file.run('pragma busy_timeout = 0')
    file.run('pragma locking_mode = exclusive')
    file.run('begin exclusive')
  } catch (cause) {
    file.close()
    if (!isBusy(cause)) throw cause
    throw new DataFolderInUse(
      `another seawall is serving from ${resolve(folder)}: stop it, or give this one a folder of its own with SEAWALL_DATA`,
      { cause },
    )
  }
  return () => file.close()
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
