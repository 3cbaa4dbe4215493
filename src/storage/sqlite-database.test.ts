import { Database as Connection } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { databaseContract } from '../../tests/contracts/database.contract.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import { SqliteDatabase } from './sqlite-database.ts'

databaseContract('SqliteDatabase', () => SqliteDatabase.open(':memory:'))

describe('SqliteDatabase, in a file', () => {
  let folder: string
  let path: string
  let db: SqliteDatabase
  beforeEach(async () => {
    folder = await temporaryFolder('database')
    path = join(folder, 'seawall.db')
    db = await SqliteDatabase.open(path, { maxWaitMs: 1_000 })
    await db.transaction((tx) => tx.run`create table things (name text primary key, amount bigint)`)
    await db.transaction((tx) => tx.run`insert into things (name, amount) values ('a', 0)`)
  })
  afterEach(async () => {
    await db.close()
    await removeFolder(folder)
  })

  const add = () => db.transaction((tx) => tx.run`update things set amount = amount + 1 where name = 'a'`)
  const amount = async () => (await db.first<{ amount: number }>`select amount from things where name = 'a'`)?.amount

  /** A process that opens the same file and runs `body` with its `db`. */
  const spawn = (body: string) =>
    Bun.spawn(
      [
        process.execPath,
        '-e',
        `import { SqliteDatabase } from ${JSON.stringify(join(import.meta.dir, 'sqlite-database.ts'))}
         const db = await SqliteDatabase.open(${JSON.stringify(path)})
         ${body}`,
      ],
      { stdout: 'pipe', stderr: 'inherit' },
    )

  it('is found again as it was left, in one file', async () => {
    await add()
    await db.close()
    expect(await readdir(folder)).toEqual(['seawall.db'])
    db = await SqliteDatabase.open(path)
    expect(await amount()).toBe(1)
  })

  it('writes through to the disk at every commit, and checks foreign keys', async () => {
    const settings = await db.transaction(async (tx) => [
      await tx.first`pragma journal_mode`,
      await tx.first`pragma synchronous`,
      await tx.first`pragma foreign_keys`,
    ])
    expect(settings).toEqual([{ journal_mode: 'wal' }, { synchronous: 2 }, { foreign_keys: 1 }])
  })

  it('is shared by several processes, and none of their writes is lost', async () => {
    const body = `for (let i = 0; i < 50; i++)
      await db.transaction((tx) => tx.run\`update things set amount = amount + 1 where name = 'a'\`)
      await db.close()`
    const others = [spawn(body), spawn(body), spawn(body)]
    for (let i = 0; i < 50; i++) await add()
    expect(await Promise.all(others.map((other) => other.exited))).toEqual([0, 0, 0])
    expect(await amount()).toBe(200)
  }, 20_000)

  it('has its turn soon while other processes write without end', async () => {
    const body = `console.log('begun')
      const end = Date.now() + 4_000
      const write = async () => {
        while (Date.now() < end) await db.transaction((tx) => tx.run\`update things set amount = amount + 1\`)
      }
      await Promise.all(Array.from({ length: 8 }, write))
      await db.close()`
    const others = [spawn(body), spawn(body), spawn(body)]
    for (const other of others) for await (const _ of other.stdout) break
    const waits: number[] = []
    for (const end = performance.now() + 2_500; performance.now() < end; ) {
      const asked = performance.now()
      await add()
      waits.push(performance.now() - asked)
    }
    expect(await Promise.all(others.map((other) => other.exited))).toEqual([0, 0, 0])
    expect(waits.length).toBeGreaterThan(20)
    expect(Math.max(...waits)).toBeLessThan(900)
  }, 20_000)

  it('keeps what was committed and nothing else when a process is killed inside a transaction', async () => {
    const other = spawn(`
      await db.transaction((tx) => tx.run\`update things set amount = 10 where name = 'a'\`)
      await db.transaction(async (tx) => {
        await tx.run\`update things set amount = 11 where name = 'a'\`
        console.log('inside')
        await Bun.sleep(60_000)
      })`)
    for await (const _ of other.stdout) break
    expect(await amount()).toBe(10)
    other.kill('SIGKILL')
    await other.exited
    await add()
    expect(await amount()).toBe(11)
  }, 20_000)

  it('waits for another writer without stopping everything else, and reads meanwhile', async () => {
    const other = new Connection(path)
    other.run('begin immediate')
    const waiting = add()
    let ticks = 0
    for (const end = performance.now() + 300; performance.now() < end; ticks++) {
      await Bun.sleep(1)
      expect(await amount()).toBe(0)
    }
    expect(ticks).toBeGreaterThan(30)
    other.run('commit')
    await waiting
    expect(await amount()).toBe(1)
    other.close()
  })

  it('tells UNAVAILABLE when another writer does not end, and works on when it did', async () => {
    const other = new Connection(path)
    other.run('begin immediate')
    expect(await failureCode(add())).toBe('UNAVAILABLE')
    other.run('rollback')
    await add()
    expect(await amount()).toBe(1)
    other.close()
  })

  it('tells UNAVAILABLE when its own turn does not come', async () => {
    const slow = db.transaction(() => Bun.sleep(1_200))
    expect(await failureCode(add())).toBe('UNAVAILABLE')
    await slow
    await add()
    expect(await amount()).toBe(1)
  })

  it('gives transactions their turns in the order they came', async () => {
    const order: number[] = []
    const turn = (i: number) =>
      db.transaction(async () => {
        await Bun.sleep(1)
        order.push(i)
      })
    await Promise.all(Array.from({ length: 20 }, (_, i) => turn(i)))
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('tells STORAGE_FULL, keeps nothing of that transaction, and works on when there is room', async () => {
    const fill = () =>
      db.transaction(async (tx) => {
        await tx.run`update things set amount = 99`
        for (let i = 0; i < 200; i++) await tx.run`insert into things (name) values (${`${i}`.padStart(1_000)})`
      })
    await db.migration((tx) => tx.script('pragma max_page_count = 20'))
    expect(await failureCode(fill())).toBe('STORAGE_FULL')
    expect(await db.all`select name, amount from things`).toEqual([{ name: 'a', amount: 0 }])
    await db.migration((tx) => tx.script('pragma max_page_count = 100000'))
    await fill()
    expect(await amount()).toBe(99)
  })

  it('tells UNAVAILABLE when there is no folder for the file', async () => {
    expect(await failureCode(SqliteDatabase.open(join(folder, 'nowhere', 'seawall.db')))).toBe('UNAVAILABLE')
  })

  it('refuses a file that is something else', async () => {
    await Bun.write(join(folder, 'other'), 'this is not a database, and long enough to show that it is none at all')
    await expect(SqliteDatabase.open(join(folder, 'other'))).rejects.toThrow('not a database')
  })

  it('has no limit on how many statements of different texts it has seen', async () => {
    for (let i = 1; i <= 500; i++) {
      // a template with a text of its own each time
      const strings = Object.assign([`select ${i} as x`], { raw: [`select ${i} as x`] })
      expect(await db.first<{ x: number }>(strings)).toEqual({ x: i })
    }
  })

  it('leaves other requests their time while one works through a long list, transaction after transaction', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    for (const end = performance.now() + 300; performance.now() < end; ) {
      await db.transaction((tx) => tx.first`select amount from things where name = 'a'`)
    }
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
  })

  it('leaves other requests their time while hundreds of transactions wait', async () => {
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    const patient = await SqliteDatabase.open(path)
    const touch = () => patient.transaction((tx) => tx.run`update things set amount = amount + 1 where name = 'a'`)
    await Promise.all(Array.from({ length: 500 }, touch))
    clearInterval(timer)
    await patient.close()
    expect(await amount()).toBe(500)
    expect(longest).toBeLessThan(250)
  }, 20_000)
})
