import { type FailureCode, RegistryError } from '../core/errors.ts'

/** What result codes mean to a client (sqlite.org/rescode.html). A longer code belongs to the shorter one before it. */
const MEANINGS: readonly (readonly [string, FailureCode])[] = [
  ['SQLITE_FULL', 'STORAGE_FULL'],
  // a quota that is used up comes as a failed write, and a full disk may show first in the shared memory file
  ['SQLITE_IOERR_WRITE', 'STORAGE_FULL'],
  ['SQLITE_IOERR_SHMSIZE', 'STORAGE_FULL'],
  ['SQLITE_IOERR', 'UNAVAILABLE'],
  ['SQLITE_BUSY', 'UNAVAILABLE'],
  ['SQLITE_LOCKED', 'UNAVAILABLE'],
  ['SQLITE_CANTOPEN', 'UNAVAILABLE'],
  ['SQLITE_PROTOCOL', 'UNAVAILABLE'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'CONFLICT'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'CONFLICT'],
  ['SQLITE_CONSTRAINT_ROWID', 'CONFLICT'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'CONFLICT'],
]

/** Puts the engine's error into the registry's words; what is a fault of the program stays as it is. */
export function sqliteFailure(error: unknown): unknown {
  const code = codeOf(error)
  const meaning = MEANINGS.find(([prefix]) => code === prefix || code.startsWith(`${prefix}_`))
  return meaning ? new RegistryError(meaning[1], undefined, { cause: error }) : error
}

/** Tells whether another connection held a lock, so that the same call may succeed a little later. */
export function isBusy(error: unknown): boolean {
  const code = error instanceof RegistryError ? codeOf(error.cause) : codeOf(error)
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
