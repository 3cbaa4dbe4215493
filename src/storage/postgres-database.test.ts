import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { connect, createServer, type Socket } from 'node:net'
import { SQL } from 'bun'
import { databaseContract } from '../../tests/contracts/database.contract.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { sharedPostgres, startPostgres } from '../../tests/harness/postgres.ts'
import { PostgresDatabase } from './postgres-database.ts'

const postgres = await sharedPostgres()

databaseContract('PostgresDatabase', async () => PostgresDatabase.open(await postgres.createDatabase()))

describe('PostgresDatabase, when connections break', () => {
  let url: string
  let db: PostgresDatabase
  const admin = new SQL({ url: postgres.url, max: 1 })
  beforeEach(async () => {
    url = await postgres.createDatabase()
    db = await PostgresDatabase.open(url, { maxConnections: 5 })
    await db.transaction((tx) => tx.run`create table things (name text primary key)`)
  })
  afterEach(() => db.close())

  /** Ends sessions as an administrator, or a failing server, does. */
  const terminate = (how: 'pg_terminate_backend' | 'pg_cancel_backend', state = '%') =>
    admin.unsafe(
      `select ${how}(pid) from pg_stat_activity
       where datname = $1::text and state like $2::text and application_name = 'seawall'`,
      [new URL(url).pathname.slice(1), state],
    )
  const names = async () => (await db.all<{ name: string }>`select name from things order by name`).map((r) => r.name)

  it('reads and writes on, after every idle connection was ended', async () => {
    for (let round = 0; round < 5; round++) {
      await terminate('pg_terminate_backend')
      expect(await Promise.all([names(), names(), db.ping()])).toHaveLength(3)
      await terminate('pg_terminate_backend')
      await db.transaction((tx) => tx.run`insert into things (name) values (${`${round}`})`)
    }
    expect(await names()).toEqual(['0', '1', '2', '3', '4'])
  })

  it('gives each of many pipelined reads its own answer while connections are ended', async () => {
    const reads = Array.from({ length: 400 }, async (_, i) => {
      await Bun.sleep(i / 4)
      return (await db.first<{ x: number }>`select cast(${i} as bigint) as x`)?.x
    })
    await Bun.sleep(20)
    await terminate('pg_terminate_backend')
    await Bun.sleep(30)
    await terminate('pg_terminate_backend')
    const settled = await Promise.allSettled(reads)
    for (const [i, answer] of settled.entries()) if (answer.status === 'fulfilled') expect(answer.value).toBe(i)
    expect(settled.filter((answer) => answer.status === 'fulfilled').length).toBeGreaterThan(390)
  })

  it('runs the work again when its connection was ended before the commit', async () => {
    let runs = 0
    await db.transaction(async (tx) => {
      runs++
      await tx.run`insert into things (name) values (${`run ${runs}`})`
      if (runs === 1) await terminate('pg_terminate_backend', 'idle in transaction')
      await tx.run`insert into things (name) values (${`again ${runs}`})`
    })
    expect(await names()).toEqual(['again 2', 'run 2'])
  })

  it('keeps nothing of work whose connections are ended again and again', async () => {
    let runs = 0
    const work = db.transaction(async (tx) => {
      runs++
      await tx.run`insert into things (name) values ('lost')`
      await terminate('pg_terminate_backend', 'idle in transaction')
      await tx.run`insert into things (name) values ('never')`
    })
    expect(await failureCode(work)).toBe('UNAVAILABLE')
    expect(runs).toBe(3)
    expect(await names()).toEqual([])
  })

  it('never tries a commit again whose answer was lost', async () => {
    let runs = 0
    const work = db.transaction(async (tx) => {
      runs++
      await tx.run`insert into things (name) values ('unknown')`
      await terminate('pg_terminate_backend', 'idle in transaction')
    })
    expect(await failureCode(work)).toBe('UNAVAILABLE')
    expect(runs).toBe(1)
    expect(await names()).toEqual([])
  })

  it('tells UNAVAILABLE for a statement that was cancelled, and goes on', async () => {
    const slow = failureCode(db.first`select pg_sleep(20)`)
    const work = failureCode(db.transaction((tx) => tx.first`select pg_sleep(20)`))
    await Bun.sleep(200)
    await terminate('pg_cancel_backend', 'active')
    expect(await Promise.all([slow, work])).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
    expect(await names()).toEqual([])
  })

  it('does not let a read wait for a transaction to give back its connection', async () => {
    const gate = Promise.withResolvers<void>()
    const busy = Array.from({ length: 10 }, () => db.transaction(() => gate.promise))
    expect(await names()).toEqual([])
    gate.resolve()
    await Promise.all(busy)
  })

  it('refuses to commit what was serialised wrongly, and tries again', async () => {
    let runs = 0
    await db.transaction(async (tx) => {
      runs++
      if (runs < 3) await tx.run`do $$ begin raise exception 'try again' using errcode = '40001'; end $$`
      await tx.run`insert into things (name) values ('third')`
    })
    expect(runs).toBe(3)
    expect(await names()).toEqual(['third'])
  })

  it('gives up on work that collides every time', async () => {
    const work = db.transaction((tx) => tx.run`do $$ begin raise exception 'no' using errcode = '40P01'; end $$`)
    expect(await failureCode(work)).toBe('UNAVAILABLE')
  }, 30_000)

  it('tells a full disk from other faults', async () => {
    const work = db.transaction((tx) => tx.run`do $$ begin raise exception 'full' using errcode = '53100'; end $$`)
    expect(await failureCode(work)).toBe('STORAGE_FULL')
  })
})

describe('PostgresDatabase, when the server is not there', () => {
  it('tells UNAVAILABLE while it is down and works again when it is back', async () => {
    const server = await startPostgres()
    const db = await PostgresDatabase.open(await server.createDatabase())
    await db.transaction((tx) => tx.run`create table things (name text primary key)`)
    await server.kill()
    expect(await failureCode(db.first`select name from things`)).toBe('UNAVAILABLE')
    expect(await failureCode(db.transaction((tx) => tx.run`insert into things (name) values ('lost')`))).toBe(
      'UNAVAILABLE',
    )
    expect(await failureCode(db.ping())).toBe('UNAVAILABLE')
    await server.restart()
    await db.transaction((tx) => tx.run`insert into things (name) values ('back')`)
    expect(await db.all`select name from things`).toEqual([{ name: 'back' }])
    await db.close()
    await server.stop()
  }, 30_000)

  it('gives up connections that have fallen silent, and goes on over new ones', async () => {
    const line = silentLine(Number(new URL(postgres.url).port))
    const url = new URL(await postgres.createDatabase())
    url.port = String(line.port)
    const db = await PostgresDatabase.open(url.href, { maxSilenceMs: 2_000 })
    await db.transaction((tx) => tx.run`create table things (name text primary key)`)
    const started = performance.now()
    let runs = 0
    await db.transaction(async (tx) => {
      runs++
      await tx.run`insert into things (name) values (${`run ${runs}`})`
      if (runs === 1) line.fallSilent()
      await tx.run`insert into things (name) values (${`again ${runs}`})`
    })
    line.fallSilent()
    expect(await db.all`select name from things order by name`).toEqual([{ name: 'again 2' }, { name: 'run 2' }])
    expect(performance.now() - started).toBeLessThan(15_000)
    await db.close()
    line.close()
  }, 30_000)

  it('tells UNAVAILABLE for an unknown database, a wrong password and a closed port', async () => {
    const wrong = [new URL(postgres.url), new URL(postgres.url), new URL(postgres.url)] as const
    wrong[0].pathname = '/nothing'
    wrong[1].password = 'wrong'
    wrong[2].port = '1'
    for (const url of wrong) expect(await failureCode(PostgresDatabase.open(url.href))).toBe('UNAVAILABLE')
  })

  it('refuses a database that cannot hold every text', async () => {
    const admin = new SQL({ url: postgres.url, max: 1 })
    await admin.unsafe(
      "create database latin template template0 encoding 'LATIN1' locale_provider libc lc_collate 'C' lc_ctype 'C'",
    )
    const url = new URL(postgres.url)
    url.pathname = '/latin'
    await expect(PostgresDatabase.open(url.href)).rejects.toThrow("encoding 'UTF8'")
    await admin.close()
  })
})

/** A line to the server; its connections of the moment can fall silent for ever, as those to a dead machine do. */
function silentLine(serverPort: number): { readonly port: number; fallSilent(): void; close(): void } {
  const ends = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    for (const end of [client, upstream]) {
      ends.add(end)
      end.on('error', () => {})
    }
  }).listen(0, '127.0.0.1')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    fallSilent() {
      for (const end of ends) end.unpipe().pause()
    },
    close() {
      for (const end of ends) end.destroy()
      server.close()
    },
  }
}
