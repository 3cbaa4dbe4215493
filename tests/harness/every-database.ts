import { afterEach, describe } from 'bun:test'
import type { MigratableDatabase } from '../../src/storage/migratable-database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { PostgresDatabase } from '../../src/storage/postgres-database.ts'
import { SqliteDatabase } from '../../src/storage/sqlite-database.ts'
import { sharedPostgres } from './postgres.ts'

/** Opens a database of a test's own, with the newest schema and no rows. */
export type OpenDatabase = () => Promise<MigratableDatabase>

/** Runs the same tests on each engine; what they open is closed after each of them. */
export function describeOnEveryDatabase(name: string, body: (open: OpenDatabase) => void): void {
  describe(`${name} (SQLite)`, () => body(closing(() => SqliteDatabase.open(':memory:'))))
  describe(`${name} (PostgreSQL)`, () =>
    body(
      closing(async () =>
        PostgresDatabase.open(await (await sharedPostgres()).createDatabase(), { maxConnections: 4 }),
      ),
    ))
}

function closing(open: OpenDatabase): OpenDatabase {
  const opened: MigratableDatabase[] = []
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close()
  })
  return async () => {
    const database = await open()
    opened.push(database)
    await migrate(database)
    return database
  }
}
