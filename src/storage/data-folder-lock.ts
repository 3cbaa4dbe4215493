import { Database as SqliteFile } from 'bun:sqlite'
import { join, resolve } from 'node:path'
import { makeDurableFolder } from './durable-folders.ts'

/** Another program is serving from the folder. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse'
}

/** Held by the one server of the folder. */
const SERVER_LOCK = 'server.lock'

/** Shared by the processes that a server has started, as they may outlive it for a moment. */
const PROCESSES_LOCK = 'processes.lock'

/** Locks of this process: a file that nobody holds is closed when the memory is cleaned up, and lets go. */
const held = new Set<SqliteFile>()

/** How long processes whose server was killed may take to notice it, in milliseconds. */
const LAST_WORDS_MS = 5_000

/**
 * Keeps a second server off a data folder.
 *
 * The lock is the operating system's own lock on a file, taken through a database that is held in exclusive mode: it
 * goes with the process, however that ends, so nothing is left to clean up after a crash. Processes of a server that was
 * killed are waited for: when this resolves nobody else works on the folder.
 *
 * @returns lets go of the folder
 * @throws DataFolderInUse
 */
export async function lockDataFolder(folder: string): Promise<() => void> {
  await makeDurableFolder(folder)
  const unlock = lockFile(folder, SERVER_LOCK, 'exclusive')
  if (!unlock) throw inUse(folder, 'another seawall is serving')
  for (const deadline = performance.now() + LAST_WORDS_MS; ; await Bun.sleep(50)) {
    const leave = lockFile(folder, PROCESSES_LOCK, 'exclusive')
    leave?.()
    if (leave) return unlock
    if (performance.now() < deadline) continue
    unlock()
    throw inUse(folder, 'processes of another seawall are still working')
  }
}

/**
 * Lets a process that a server has started work on the server's folder.
 *
 * @returns leaves the folder
 * @throws DataFolderInUse
 */
export function joinDataFolder(folder: string): () => void {
  const leave = lockFile(folder, PROCESSES_LOCK, 'shared')
  if (!leave) throw inUse(folder, 'another seawall is about to serve')
  return leave
}

function inUse(folder: string, who: string): DataFolderInUse {
  return new DataFolderInUse(
    `${who} from ${resolve(folder)}: stop it, or give this one a folder of its own with SEAWALL_DATA`,
  )
}

/** Answers null when somebody else holds it in a way that excludes ours. */
function lockFile(folder: string, name: string, kind: 'exclusive' | 'shared'): (() => void) | null {
  const file = new SqliteFile(join(folder, name), { create: true })
  try {
    file.run('pragma busy_timeout = 0')
    if (kind === 'exclusive') lockAlone(file)
    else file.run('begin; select count(*) from sqlite_schema') // reading shares the lock until the transaction ends
    held.add(file)
    return () => {
      held.delete(file)
      file.close()
    }
  } catch (error) {
    file.close()
    if (isBusy(error)) return null
    throw error
  }
}

/** Taking an empty file writes to it, so it gets a page while there is room: a server must start on a full disk too. */
function lockAlone(file: SqliteFile): void {
  const { page_count: pages } = file.query<{ page_count: number }, []>('pragma page_count').get() ?? { page_count: 0 }
  if (pages === 0) file.run('pragma user_version = 1')
  file.run('begin exclusive')
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
