import type { Config } from './config.ts'

/** Where the names are kept, for commands that work beside a server. */
export interface DatabasePlace {
  /** For people; without the password. */
  readonly shown: string
  /** The file of this machine that may not be there yet; null for a database server. */
  readonly file: string | null
  /** Whether the operator named it, by whichever setting; else it is the default below the working folder. */
  readonly isNamed: boolean
}

/** Tells where `openDatabase` would go. */
export function databasePlace({ database, effective }: Config): DatabasePlace {
  const named = effective.filter(
    ({ name, from }) => from !== 'default' && /^(?:data|database|databaseFile)$/.test(name),
  )
  const shown = effective.find(({ name }) => name === 'database')?.value
  if (database.kind === 'sqlite') return { shown: database.path, file: database.path, isNamed: named.length > 0 }
  return { shown: shown || 'the database server', file: null, isNamed: true }
}
