import type { Config } from './config.ts'

/** Whether something of this server lies on this machine alone; replicas that keep everything elsewhere hold nothing. */
export function keepsDataHere(config: Pick<Config, 'database' | 'store'>): boolean {
  return config.database.kind === 'sqlite' || config.store.kind === 'disk'
}

/** Whether no other server can work on the database: then who holds the data folder knows that all others have ended. */
export function isDatabaseHere(config: Pick<Config, 'database'>): boolean {
  return config.database.kind === 'sqlite'
}
