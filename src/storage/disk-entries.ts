import { type Stats, statSync } from 'node:fs'
import { readdir, stat, unlink } from 'node:fs/promises'
import { diskFailure, systemCode } from './disk-failure.ts'

/** The file's facts, or null when there is none. */
export function statIfThere(path: string): Promise<Stats | null> {
  return orElse(null, () => stat(path))
}

/**
 * The size of a file that is about to be sent, or null when there is none; answered at once.
 *
 * The runtime opens the file in this thread anyway, and an answer that has waited for another thread leaves in pieces, a
 * packet each for the headers (measured for a blob of 1 MB: 0.44 ms of CPU instead of 0.31).
 */
export function sizeNow(path: string): number | null {
  try {
    return statSync(path).size
  } catch (error) {
    if (ABSENT.has(systemCode(error))) return null
    throw diskFailure(error)
  }
}

/** Names in a folder, none when it is missing. */
export function namesIn(folder: string): Promise<string[]> {
  return orElse([], () => readdir(folder))
}

/** Removes a file; one that is already gone is no error. */
export function unlinkIfThere(path: string): Promise<void> {
  return orElse(undefined, () => unlink(path))
}

/** No such name, or a file where a folder should be: then there is nothing below it either. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR'])

async function orElse<T>(absent: T, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (ABSENT.has(systemCode(error))) return absent
    throw diskFailure(error)
  }
}
