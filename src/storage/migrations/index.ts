import type { Migration } from '../migratable-database.ts'
import catalogPostgres from './postgres/001-catalog.sql' with { type: 'text' }
import authPostgres from './postgres/002-auth.sql' with { type: 'text' }
import advisoriesPostgres from './postgres/003-advisories.sql' with { type: 'text' }
import layerDigestsPostgres from './postgres/004-layer-digests.sql' with { type: 'text' }
import lifePostgres from './postgres/005-life.sql' with { type: 'text' }
import catalogSqlite from './sqlite/001-catalog.sql' with { type: 'text' }
import authSqlite from './sqlite/002-auth.sql' with { type: 'text' }
import advisoriesSqlite from './sqlite/003-advisories.sql' with { type: 'text' }
import layerDigestsSqlite from './sqlite/004-layer-digests.sql' with { type: 'text' }
import lifeSqlite from './sqlite/005-life.sql' with { type: 'text' }

/** Every change of the schema since the first, one line each. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '001-catalog', sqlite: catalogSqlite, postgres: catalogPostgres },
  { name: '002-auth', sqlite: authSqlite, postgres: authPostgres },
  { name: '003-advisories', sqlite: advisoriesSqlite, postgres: advisoriesPostgres },
  { name: '004-layer-digests', sqlite: layerDigestsSqlite, postgres: layerDigestsPostgres },
  { name: '005-life', sqlite: lifeSqlite, postgres: lifePostgres },
]
