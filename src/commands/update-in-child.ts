import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { revealDatabaseAddress } from '../config/database-address.ts'
import { publicSources } from '../scanner/advisories/public-sources.ts'
import { programCommand } from '../scanner/sandbox/child-command.ts'
import { UPDATE_CHILD_COMMAND, type UpdateEnd, type UpdateTask } from './update-task.ts'

/** Longer than every feed takes on a slow line, in milliseconds. */
const LONGEST_MS = 2 * 3_600_000

/** What an update is started with, and how long it may take. */
export type UpdateConfig = Pick<Config, 'advisories' | 'database' | 'log'>

/**
 * Updates the advisories in a process of its own, as a large feed takes a gigabyte of memory for a moment, which a
 * server would keep.
 *
 * It has the runtime's ordinary settings: with the server's small heap it would spend its time collecting garbage. It is
 * dead when the promise settles, and what it had begun is cleared by the next update.
 *
 * @throws Error when it could not do its work, what `signal` was aborted with
 */
export async function updateInChild(config: UpdateConfig, signal: AbortSignal, longestMs = LONGEST_MS): Promise<void> {
  signal.throwIfAborted()
  const { mirrorUrl, ...switches } = config.advisories
  // Made here, because a process that is killed removes nothing.
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'seawall-update-'))
  const task: UpdateTask = {
    database: revealDatabaseAddress(config.database),
    sources: publicSources(switches),
    mirrorUrl: mirrorUrl ?? null,
    temporaryFolder,
    log: config.log,
  }
  try {
    const failure = await run(task, signal, longestMs)
    signal.throwIfAborted()
    if (failure !== null) throw new Error(`the advisories could not be updated: ${failure}`)
  } finally {
    await rm(temporaryFolder, { recursive: true, force: true })
  }
}

/** @returns why it failed, or null */
async function run(task: UpdateTask, signal: AbortSignal, longestMs: number): Promise<string | null> {
  let end: UpdateEnd | null = null
  let isLate = false
  const child = Bun.spawn([...programCommand(UPDATE_CHILD_COMMAND)], {
    env: ordinaryEnvironment(),
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    serialization: 'json',
    // It is this program's own child, and says nothing else.
    ipc: (message) => {
      end = message as UpdateEnd
    },
  })
  const kill = (): void => child.kill('SIGKILL')
  const timer = setTimeout(() => {
    isLate = true
    kill()
  }, longestMs)
  signal.addEventListener('abort', kill)
  try {
    child.send(task)
    const code = await child.exited
    if (isLate) return `it took more than ${longestMs / 1_000} seconds`
    return ended(end, code)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
    kill()
  }
}

/** Said and done: a process that says it is done and then dies has not closed its database, which is of no consequence. */
function ended(end: UpdateEnd | null, code: number): string | null {
  return end ? end.failure : `its process ended with ${code}`
}

/** Without what keeps a server's heap small (`scripts/server-environment.json`). */
function ordinaryEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BUN_JSC_')))
}
