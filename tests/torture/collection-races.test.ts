import { afterAll, describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { DEFAULT_SETTINGS, type RepositoryRecord } from '../../src/core/repository.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import type { MigratableDatabase } from '../../src/storage/migratable-database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { PostgresDatabase } from '../../src/storage/postgres-database.ts'
import { SqliteDatabase } from '../../src/storage/sqlite-database.ts'
import { sharedPostgres } from '../harness/postgres.ts'
import { TestRegistry } from '../harness/registry.ts'
import { removeFolder } from '../harness/temporary-folder.ts'
import { type Chance, chanceOf, rounds } from '../harness/torture.ts'
import { CollectionRound, type Ground } from './collection-round.ts'

/** Nobody waits longer for one test than this, in milliseconds. */
const LONGEST_MS = 3_600_000

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** In memory where there is such a place: orders are what is looked for here, not what a disk does. */
async function fastFolder(): Promise<string> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'seawall-races-'))
  closing.push(() => removeFolder(folder))
  return folder
}

async function lay(
  db: MigratableDatabase,
  folder: string,
  more: Pick<Ground, 'findConnection' | 'findBlocked'>,
): Promise<Ground> {
  closing.push(() => db.close())
  await migrate(db)
  const stores = { blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) }
  const test = await TestRegistry.open(db, { stores })
  closing.push(() => test.close())
  const repositories = new Map<string, RepositoryRecord>()
  for (const name of ['demo', 'other']) repositories.set(name, await test.repository(name))
  const settings = { ...DEFAULT_SETTINGS, completeness: 'any' } as const
  repositories.set('sparse', await test.repository('sparse', 'private', settings))
  return { test, repositories, ...more }
}

/** One writer: others act between transactions. */
async function layInFile(): Promise<Ground> {
  const folder = await fastFolder()
  return lay(await SqliteDatabase.open(join(folder, 'database')), folder, { findConnection: null, findBlocked: null })
}

/** Many writers: others act between statements too, and wait for each other's rows. */
async function layOnServer(): Promise<Ground> {
  const url = await (await sharedPostgres()).createDatabase()
  const watch = new SQL({ url, max: 1, bigint: true })
  closing.push(() => watch.close())
  return lay(await PostgresDatabase.open(url, { maxConnections: 20 }), await fastFolder(), {
    findConnection: async (tx) => {
      const row = await tx.first<{ pid: number }>`select pg_backend_pid() as pid`
      return row!.pid
    },
    findBlocked: async (connections) => {
      const rows: { pid: number }[] = await watch`
        select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      const blocked = new Set(rows.map(({ pid }) => pid))
      return new Set(connections.filter((connection) => blocked.has(connection)))
    },
  })
}

async function playRounds(ground: Ground, chance: Chance, count: number): Promise<number> {
  let blocked = 0
  for (let n = 0; n < count; n++) {
    const round = new CollectionRound(ground, chance.fork())
    try {
      await round.play()
    } catch (error) {
      console.log(`round ${n} of seed ${chance.seed}, in this order:\n${round.trace.join('\n')}`)
      throw error
    }
    blocked += round.blocked
  }
  return blocked
}

describe('pushes, deletions and the collector, a step of one of them at a time', () => {
  it(
    'lose nothing that was promised and leave nothing behind, where one writes at a time (SQLite)',
    async () => {
      const ground = await layInFile()
      await playRounds(ground, chanceOf('collection races (SQLite)'), rounds(60, 10_000))
    },
    LONGEST_MS,
  )

  it(
    'lose nothing that was promised and leave nothing behind, where many write at once (PostgreSQL)',
    async () => {
      const ground = await layOnServer()
      const count = rounds(25, 10_000)
      const blocked = await playRounds(ground, chanceOf('collection races (PostgreSQL)'), count)
      // Some must have met at a row, or the orders were not as close as they should be.
      expect(blocked).toBeGreaterThan(0)
    },
    LONGEST_MS,
  )
})
