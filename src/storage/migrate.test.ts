import { describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import { sharedPostgres } from '../../tests/harness/postgres.ts'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import type { MigratableDatabase, Migration } from './migratable-database.ts'
import { MigrationError, migrate } from './migrate.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { SqliteDatabase } from './sqlite-database.ts'

const postgres = await sharedPostgres()

const same = (name: string, text: string): Migration => ({ name, sqlite: text, postgres: text })
const FIRST = same('001-first', 'create table first (name text);\ncreate table second (name text);\n')
const SECOND = same('002-second', "insert into first (name) values ('second');\n")
const BROKEN = same('003-broken', "insert into first (name) values ('broken'); insert into nowhere values (1);")

/** `place` makes an empty database, `open` opens it once more. */
function migrateContract(
  engine: string,
  place: () => Promise<{ open(): Promise<MigratableDatabase>; end(): Promise<void> }>,
) {
  describe(`migrations on ${engine}`, () => {
    const withDatabase = async (test: (open: () => Promise<MigratableDatabase>) => Promise<void>) => {
      const { open, end } = await place()
      const opened: MigratableDatabase[] = []
      try {
        await test(async () => {
          const db = await open()
          opened.push(db)
          return db
        })
      } finally {
        for (const db of opened) await db.close()
        await end()
      }
    }
    const firsts = (db: MigratableDatabase) => db.all`select name from first`

    it('apply what is missing in the order of their names, once', () =>
      withDatabase(async (open) => {
        const db = await open()
        expect(await migrate(db, [FIRST])).toEqual(['001-first'])
        expect(await migrate(db, [SECOND, FIRST])).toEqual(['002-second'])
        expect(await migrate(await open(), [FIRST, SECOND])).toEqual([])
        expect(await firsts(db)).toEqual([{ name: 'second' }])
      }))

    it('apply all or nothing', () =>
      withDatabase(async (open) => {
        const db = await open()
        await migrate(db, [FIRST])
        await expect(migrate(db, [FIRST, SECOND, BROKEN])).rejects.toThrow('nowhere')
        expect(await firsts(db)).toEqual([])
        expect(await migrate(db, [FIRST, SECOND])).toEqual(['002-second'])
      }))

    it('are applied once when several processes start together', () =>
      withDatabase(async (open) => {
        const starters = await Promise.all([open(), open(), open(), open()])
        const applied = await Promise.all(starters.map((db) => migrate(db, [FIRST, SECOND])))
        expect(applied.flat().sort()).toEqual(['001-first', '002-second'])
        expect(await firsts(starters[0]!)).toEqual([{ name: 'second' }])
      }))

    it('stop with a clear error when an applied one reads otherwise now', () =>
      withDatabase(async (open) => {
        const db = await open()
        await migrate(db, [FIRST])
        const changed = same('001-first', 'create table first (name text, more text);')
        const error = await migrate(db, [changed]).catch((thrown) => thrown)
        expect(error).toBeInstanceOf(MigrationError)
        expect(error.message).toContain('"001-first"')
      }))

    it('do not mind how a checkout ends its lines', () =>
      withDatabase(async (open) => {
        const db = await open()
        await migrate(db, [FIRST])
        expect(await migrate(db, [same('001-first', FIRST.sqlite.replaceAll('\n', '\r\n'))])).toEqual([])
      }))

    it('stop with a clear error when a newer program wrote the database', () =>
      withDatabase(async (open) => {
        const db = await open()
        await migrate(db, [FIRST, SECOND])
        const error = await migrate(db, [FIRST]).catch((thrown) => thrown)
        expect(error).toBeInstanceOf(MigrationError)
        expect(error.message).toContain('newer Seawall: it has "002-second"')
      }))

    it('bring an empty database to what this program needs', () =>
      withDatabase(async (open) => {
        const starters = await Promise.all([open(), open(), open()])
        await Promise.all(starters.map((db) => migrate(db)))
        expect(await starters[0]!.all`select name from repositories`).toEqual([])
      }))
  })
}

migrateContract('one file', async () => {
  const folder = await temporaryFolder('migrate')
  return {
    open: () => SqliteDatabase.open(join(folder, 'seawall.db')),
    end: () => removeFolder(folder),
  }
})

migrateContract('a server', async () => {
  const url = await postgres.createDatabase()
  return { open: () => PostgresDatabase.open(url, { maxConnections: 3 }), end: async () => {} }
})
