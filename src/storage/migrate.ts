import { digestOf } from '../core/digest.ts'
import type { MigratableDatabase, Migration, ScriptTransaction } from './migratable-database.ts'
import { MIGRATIONS } from './migrations/index.ts'

/** The database and this program do not fit together; the message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/**
 * Brings the schema to where this program needs it: all that is missing in one transaction, or nothing.
 *
 * Several processes may start at once; the first one works, the others wait for it.
 *
 * @returns  the names of what was applied now
 * @throws MigrationError when the database was written by a newer program, or an applied migration reads otherwise now
 */
export function migrate(db: MigratableDatabase, migrations: readonly Migration[] = MIGRATIONS): Promise<string[]> {
  return db.migration(async (tx) => {
    await tx.script(REMEMBERED[db.engine])
    const applied = await tx.all<Applied>`select name, checksum from migrations order by name`
    checkApplied(applied, migrations, db.engine)
    const known = new Set(applied.map(({ name }) => name))
    const missing = migrations.filter(({ name }) => !known.has(name)).sort(byName)
    for (const migration of missing) await apply(tx, migration, db.engine)
    return missing.map(({ name }) => name)
  })
}

interface Applied {
  readonly name: string
  readonly checksum: string
}

const REMEMBERED = {
  sqlite: `create table if not exists migrations (
    name text not null primary key, checksum text not null, applied_at integer not null) without rowid`,
  postgres: `create table if not exists migrations (
    name text collate "C" not null primary key, checksum text collate "C" not null, applied_at bigint not null)`,
} as const

async function apply(tx: ScriptTransaction, migration: Migration, engine: MigratableDatabase['engine']): Promise<void> {
  await tx.script(migration[engine])
  await tx.run`insert into migrations (name, checksum, applied_at)
               values (${migration.name}, ${checksumOf(migration[engine])}, ${Date.now()})`
}

function checkApplied(
  applied: readonly Applied[],
  migrations: readonly Migration[],
  engine: MigratableDatabase['engine'],
): void {
  for (const { name, checksum } of applied) {
    const migration = migrations.find((candidate) => candidate.name === name)
    if (!migration) {
      throw new MigrationError(`the database was written by a newer Seawall: it has "${name}". Start that version.`)
    }
    if (checksumOf(migration[engine]) !== checksum) {
      throw new MigrationError(
        `migration "${name}" is not what was applied to this database. Restore the released file.`,
      )
    }
  }
}

/** Line ends are not part of it: a checkout may change them. */
function checksumOf(text: string): string {
  return digestOf(text.replaceAll('\r\n', '\n'))
}

function byName(a: Migration, b: Migration): number {
  return a.name < b.name ? -1 : 1
}
