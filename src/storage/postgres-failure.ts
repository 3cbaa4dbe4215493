import { SQL } from 'bun'
import { type FailureCode, RegistryError, type RegistryErrorOptions } from '../core/errors.ts'

/** What error codes mean to a client (PostgreSQL, appendix A); a class of codes is its first two characters. */
const MEANINGS: Readonly<Record<string, FailureCode>> = {
  '08': 'UNAVAILABLE', // connection exception
  '25P03': 'UNAVAILABLE', // idle in transaction for too long
  '28': 'UNAVAILABLE', // the server does not let us in
  '3D': 'UNAVAILABLE', // no such database
  '40': 'UNAVAILABLE', // deadlock, serialisation failure: retried before this is told
  '53': 'UNAVAILABLE', // out of memory, too many connections
  '53100': 'STORAGE_FULL',
  '55P03': 'UNAVAILABLE', // waited too long for a lock
  '57': 'UNAVAILABLE', // cancelled, shut down, starting up
  '58': 'UNAVAILABLE', // a fault of the server's machine
  '23503': 'CONFLICT', // foreign key
  '23505': 'CONFLICT', // unique
  '54000': 'INVALID', // a value longer than an index takes
}

/** Puts the engine's error into the registry's words; what is a fault of the program stays as it is. */
export function postgresFailure(error: unknown, options: RegistryErrorOptions = {}): unknown {
  if (error instanceof RegistryError) return error
  if (isLost(error)) return new RegistryError('UNAVAILABLE', undefined, { ...options, cause: error })
  const state = stateOf(error)
  const meaning = MEANINGS[state] ?? MEANINGS[state.slice(0, 2)]
  return meaning ? new RegistryError(meaning, undefined, { ...options, cause: error }) : error
}

/** Tells whether the engine gave up one of two transactions that stood in each other's way. */
export function isConflict(error: unknown): boolean {
  const state = stateOf(error)
  return state === '40P01' || state === '40001'
}

/** Tells whether the connection is gone or never was; another one may work. */
export function isLost(error: unknown): boolean {
  if (/^(?:08|57P0[123])/.test(stateOf(error))) return true
  return /^ERR_POSTGRES_(?:CONNECTION|IDLE_TIMEOUT|LIFETIME_TIMEOUT)/.test(engineError(error)?.code ?? '')
}

function stateOf(error: unknown): string {
  return engineError(error)?.errno ?? ''
}

function engineError(error: unknown): InstanceType<typeof SQL.PostgresError> | null {
  const inner = error instanceof RegistryError ? error.cause : error
  return inner instanceof SQL.PostgresError ? inner : null
}
