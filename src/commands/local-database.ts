import { openDatabase } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../storage/database.ts'
import { migrate } from '../storage/migrate.ts'

/** Does something with the database of the configuration, which need not have been there before. */
export async function withDatabase<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(config)
  try {
    await migrate(db)
    return await work(db)
  } finally {
    await db.close()
  }
}
