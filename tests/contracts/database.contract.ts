import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { type Database, skipLocked, type Transaction } from '../../src/storage/database.ts'
import { failureCode } from '../harness/failure-code.ts'
import { databaseValuesContract } from './database-values.contract.ts'

/** What every database promises. @param open  opens a new, empty one */
export function databaseContract(name: string, open: () => Promise<Database>): void {
  databaseValuesContract(name, open)

  describe(`${name} keeps the database contract`, () => {
    let db: Database
    beforeEach(async () => {
      db = await open()
      await db.transaction(async (tx) => {
        await tx.run`create table things (name text primary key, amount bigint, bytes bytea)`
        await tx.run`create table parts (name text references things (name) on delete cascade)`
      })
    })
    afterEach(() => db.close())

    const save = (tx: Transaction, thing: string, amount: number | null = null) =>
      tx.run`insert into things (name, amount) values (${thing}, ${amount})`
    const saveAll = (things: readonly string[]) =>
      db.transaction(async (tx) => {
        for (const thing of things) await save(tx, thing, 0)
      })
    const names = async () => (await db.all<{ name: string }>`select name from things order by name`).map((r) => r.name)
    const amountOf = async (thing: string) =>
      (await db.first<{ amount: number }>`select amount from things where name = ${thing}`)?.amount

    describe('reading', () => {
      it('gives rows as plain objects in a plain array', async () => {
        await db.transaction((tx) => save(tx, 'a', 5))
        const rows = await db.all`select name, amount, bytes from things`
        expect(rows).toEqual([{ name: 'a', amount: 5, bytes: null }])
        expect(Object.keys(rows)).toEqual(['0'])
      })

      it('gives null for no first row and an empty array for no rows', async () => {
        expect(await db.first`select name from things`).toBeNull()
        expect(await db.all`select name from things`).toEqual([])
      })

      it('gives the first of several rows and goes on seeing what is committed later', async () => {
        await saveAll(['a', 'b'])
        expect(await db.first`select name from things order by name`).toEqual({ name: 'a' })
        await db.transaction((tx) => tx.run`delete from things where name = 'a'`)
        expect(await db.first`select name from things order by name`).toEqual({ name: 'b' })
      })

      it('counts, sums and answers questions in numbers', async () => {
        await db.transaction((tx) => save(tx, 'a', 2 ** 40))
        await db.transaction((tx) => save(tx, 'b', 1))
        const row = await db.first`
          select count(*) as n, cast(sum(amount) as bigint) as total, max(amount) as most,
                 exists (select 1 from things where name = 'a') as there from things`
        expect(row).toEqual({ n: 2, total: 2 ** 40 + 1, most: 2 ** 40, there: 1 })
      })

      it('never writes', async () => {
        await expect(db.all`insert into things (name) values ('a') returning name`).rejects.toThrow()
        await expect(db.first`delete from things returning name`).rejects.toThrow()
        expect(await names()).toEqual([])
      })

      it('fails alone in the middle of many others', async () => {
        const answers = Array.from({ length: 60 }, (_, i) =>
          i % 7 === 3
            ? db.first`select nothing from nowhere`
            : db.first<{ x: number }>`select cast(${i} as bigint) as x`,
        )
        const settled = await Promise.allSettled(answers)
        expect(settled.map((s, i) => (s.status === 'rejected' ? i % 7 === 3 : s.value?.x === i))).not.toContain(false)
      })

      it('answers many more at once than there are connections', async () => {
        await saveAll(['a'])
        const rows = await Promise.all(Array.from({ length: 500 }, () => db.first`select name from things`))
        expect(rows.every((row) => row?.name === 'a')).toBe(true)
      })
    })

    describe('a transaction', () => {
      it('keeps everything, and answers what the work answers', async () => {
        const answer = await db.transaction(async (tx) => {
          await save(tx, 'a')
          await save(tx, 'b')
          return 'done'
        })
        expect(answer).toBe('done')
        expect(await names()).toEqual(['a', 'b'])
      })

      it('keeps nothing when the work throws, and lets its error through as it is', async () => {
        const error = new Error('no')
        let calls = 0
        const work = db.transaction(async (tx) => {
          calls++
          await save(tx, 'a')
          throw error
        })
        expect(await work.catch((thrown) => thrown)).toBe(error)
        expect(calls).toBe(1)
        expect(await names()).toEqual([])
      })

      it('sees its own writes', async () => {
        await db.transaction(async (tx) => {
          await save(tx, 'a', 1)
          expect(await tx.first`select amount from things where name = 'a'`).toEqual({ amount: 1 })
          expect(await tx.all`update things set amount = 2 returning name, amount`).toEqual([{ name: 'a', amount: 2 }])
        })
      })

      it('answers how many rows a statement changed, without those that went with them', async () => {
        await saveAll(['a', 'b', 'c'])
        await db.transaction(async (tx) => {
          await tx.run`insert into parts (name) values ('a'), ('a')`
          expect(await tx.run`update things set amount = 1 where name <> 'c'`).toBe(2)
          expect(await tx.run`update things set amount = 1 where name = 'z'`).toBe(0)
          expect(await tx.run`insert into things (name) values ('a') on conflict do nothing`).toBe(0)
          expect(await tx.run`delete from things where name = 'a'`).toBe(1)
          expect(await tx.all`select name from parts`).toEqual([])
        })
      })

      it('is not seen from outside before its end, and a statement outside never joins it', async () => {
        const work = db.transaction(async (tx) => {
          await save(tx, 'a')
          expect(await names()).not.toContain('a')
          const outside = db.all`select name from things where name <> 'other'`
          await tx.run`insert into things (name) values ('b')`
          expect(await outside).toEqual([])
          throw new Error('back')
        })
        const other = db.transaction((tx) => save(tx, 'other'))
        await expect(work).rejects.toThrow('back')
        await other
        expect(await names()).toEqual(['other'])
      })

      it('fails as a whole when a statement failed, even if the work caught the error', async () => {
        await saveAll(['a'])
        const work = db.transaction(async (tx) => {
          await save(tx, 'b')
          await save(tx, 'a').catch(() => {})
          await save(tx, 'c').catch(() => {})
        })
        expect(await failureCode(work)).toBe('CONFLICT')
        expect(await names()).toEqual(['a'])
      })

      it('waits for a statement that the work did not await', async () => {
        await db.transaction(async (tx) => {
          void save(tx, 'a')
        })
        expect(await names()).toEqual(['a'])
        const failing = db.transaction(async (tx) => {
          void save(tx, 'b')
          void save(tx, 'a')
        })
        expect(await failureCode(failing)).toBe('CONFLICT')
        expect(await names()).toEqual(['a'])
      })

      it('takes no statement after its end', async () => {
        let kept: Transaction | undefined
        await db.transaction(async (tx) => {
          kept = tx
        })
        const late = kept!
        await expect(save(late, 'late')).rejects.toThrow('ended')
        const open = db.transaction(async (tx) => {
          await save(tx, 'a')
          await expect(save(late, 'late')).rejects.toThrow('ended')
        })
        await open
        expect(await names()).toEqual(['a'])
      })

      it('refuses another one inside instead of waiting for itself', async () => {
        const work = db.transaction(async () => {
          await db.transaction((inner) => save(inner, 'inner'))
        })
        await expect(work).rejects.toThrow('a transaction inside a transaction')
        await saveAll(['after'])
        expect(await names()).toEqual(['after'])
      })

      it('lets its work begin others that are awaited after its end', async () => {
        const later: Promise<void>[] = []
        await db.transaction(async () => {
          later.push(Bun.sleep(20).then(() => db.transaction(async (tx) => void (await save(tx, 'later')))))
        })
        await Promise.all(later)
        expect(await names()).toEqual(['later'])
      })
    })

    describe('several transactions', () => {
      it('take turns when they update the same row', async () => {
        await saveAll(['a'])
        const add = () =>
          db.transaction(async (tx) => {
            await tx.run`update things set name = name where name = 'a'`
            const before = await tx.first<{ amount: number }>`select amount from things where name = 'a'`
            await Bun.sleep(1)
            await tx.run`update things set amount = ${before!.amount + 1} where name = 'a'`
          })
        await Promise.all(Array.from({ length: 40 }, add))
        expect(await amountOf('a')).toBe(40)
      })

      it('all happen, also when they take the same rows in opposite orders', async () => {
        await saveAll(['a', 'b'])
        const add = (first: string, second: string) =>
          db.transaction(async (tx) => {
            await tx.run`update things set amount = amount + 1 where name = ${first}`
            await Bun.sleep(30)
            await tx.run`update things set amount = amount + 1 where name = ${second}`
          })
        await Promise.all([add('a', 'b'), add('b', 'a'), add('a', 'b'), add('b', 'a')])
        expect([await amountOf('a'), await amountOf('b')]).toEqual([4, 4])
      }, 30_000)

      it('leave one winner of a unique key, and tell the other CONFLICT', async () => {
        const codes = await Promise.all([1, 2, 3].map((i) => failureCode(db.transaction((tx) => save(tx, 'a', i)))))
        expect(codes.sort()).toEqual(['CONFLICT', 'CONFLICT', 'no error'])
      })

      it('claim different rows with skipLocked, each row once', async () => {
        await saveAll(Array.from({ length: 30 }, (_, i) => `job ${i}`))
        const claimed: string[] = []
        const claim = () =>
          db.transaction(async (tx) => {
            const job = await tx.first<{ name: string }>`
              update things set amount = 1 where name = (
                select name from things where amount = 0 order by name limit ${1} ${skipLocked}
              ) returning name`
            await Bun.sleep(1)
            return job?.name ?? null
          })
        const worker = async () => {
          for (let job = await claim(); job !== null; job = await claim()) claimed.push(job)
        }
        await Promise.all(Array.from({ length: 8 }, worker))
        expect(claimed.sort()).toEqual(Array.from({ length: 30 }, (_, i) => `job ${i}`).sort())
      })

      it('come through when there are many more than connections, reading outside meanwhile', async () => {
        const add = (i: number) =>
          db.transaction(async (tx) => {
            await save(tx, `thing ${i}`, i)
            await db.first`select name from things where name = ${`thing ${i}`}`
          })
        await Promise.all(Array.from({ length: 100 }, (_, i) => add(i)))
        expect((await names()).length).toBe(100)
      })
    })

    describe('failures', () => {
      it('of a foreign key are a CONFLICT', async () => {
        expect(await failureCode(db.transaction((tx) => tx.run`insert into parts (name) values ('gone')`))).toBe(
          'CONFLICT',
        )
      })

      it('of the program are told as they are, and leave the database in order', async () => {
        expect(await failureCode(db.transaction((tx) => tx.run`selec`))).not.toBe('UNAVAILABLE')
        await expect(db.all`selec`).rejects.toThrow('selec')
        await saveAll(['a'])
        expect(await names()).toEqual(['a'])
      })
    })

    describe('closing', () => {
      it('lets what is under way finish, and refuses what comes after', async () => {
        let done = false
        const work = db.transaction(async (tx) => {
          await save(tx, 'a')
          await Bun.sleep(50)
          done = true
        })
        await Bun.sleep(10)
        const closing = db.close()
        expect(await failureCode(db.first`select 1 as x`)).toBe('UNAVAILABLE')
        expect(await failureCode(db.transaction((tx) => save(tx, 'b')))).toBe('UNAVAILABLE')
        expect(await failureCode(db.ping())).toBe('UNAVAILABLE')
        await closing
        expect(done).toBe(true)
        await work
        await db.close()
      })

      it('is not needed for a ping to answer', async () => {
        expect(await db.ping()).toBeUndefined()
      })
    })
  })
}
