import { closeSync, fsync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from './disk-failure.ts'

const sync = promisify(fsync)

/** Writes a directory's entries to the disk: without it a power cut forgets names that were made in it. */
export async function syncFolder(path: string): Promise<void> {
  // only the writing waits for the disk; another thread for each of the three steps costs more than the steps do
  const folder = openSync(path, 'r')
  try {
    await sync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Makes a folder and what is missing above it, so that a power cut forgets none of their names. */
export async function makeDurableFolder(path: string): Promise<void> {
  const folder = resolve(path)
  const topmost = await mkdir(folder, { recursive: true, mode: 0o700 })
  // there already: whoever made it may have died before this, but it may also lie on what cannot be synced
  if (topmost === undefined) return syncFolder(dirname(folder)).catch(() => {})
  for (let made = folder; made.length >= topmost.length; made = dirname(made)) {
    await syncFolder(dirname(made)).catch((error: unknown) => {
      // the topmost may stand in a folder that we may write to but not read
      if (made !== topmost || systemCode(error) !== 'EACCES') throw error
    })
  }
}

/** Makes folders so that they survive a power cut, each once per process. */
export class DurableFolders {
  /** Also those being made: whoever finds one waits until its name is on the disk. */
  readonly #made = new Map<string, Promise<void>>()

  make(path: string): Promise<void> {
    const known = this.#made.get(path)
    if (known) return known
    const making = this.#make(path)
    this.#made.set(path, making)
    making.catch(() => this.#made.delete(path))
    return making
  }

  /** Makes the folder anew at the next call: somebody has taken it away. */
  forget(path: string): void {
    this.#made.delete(path)
  }

  async #make(path: string): Promise<void> {
    const parent = dirname(path)
    const there = await makeUnlessThere(path, async () => {
      this.forget(parent)
      await this.make(parent)
    })
    // also when it was there: whoever made it may have died before this line
    await syncFolder(parent).catch((error: unknown) => {
      // the store's own folder may lie in one that we may not read; then its owner has made it long ago
      if (!there || systemCode(error) !== 'EACCES') throw error
    })
  }
}

/** Makes a folder; answers whether it was there already. */
async function makeUnlessThere(path: string, makeParent: () => Promise<void>): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return false
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return true
    if (code !== 'ENOENT' || dirname(path) === path) throw error
  }
  await makeParent()
  return makeUnlessThere(path, () => Promise.reject(new Error(`${dirname(path)} cannot hold a folder`)))
}
