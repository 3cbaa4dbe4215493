import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { type Database, many, type SqlValue } from '../../src/storage/database.ts'
import { failureCode } from '../harness/failure-code.ts'

/** The part of the database contract that is about what goes in and comes out. */
export function databaseValuesContract(name: string, open: () => Promise<Database>): void {
  describe(`${name} keeps the database contract`, () => {
    let db: Database
    beforeEach(async () => {
      db = await open()
      await db.transaction((tx) => tx.run`create table things (name text primary key, amount bigint, bytes bytea)`)
    })
    afterEach(() => db.close())

    const saveAll = (names: readonly string[]) =>
      db.transaction(async (tx) => {
        for (const thing of names) await tx.run`insert into things (name) values (${thing})`
      })

    describe('values', () => {
      const kept = async (value: SqlValue) => {
        await db.transaction(async (tx) => {
          await tx.run`delete from things`
          if (typeof value === 'number') await tx.run`insert into things (name, amount) values ('v', ${value})`
          else if (typeof value === 'string') await tx.run`insert into things (name) values (${value})`
          else await tx.run`insert into things (name, bytes) values ('v', ${value})`
        })
        const row = await db.first`select name, amount, bytes from things`
        return typeof value === 'number' ? row?.amount : typeof value === 'string' ? row?.name : row?.bytes
      }

      it('keep integers up to 2^53', async () => {
        for (const value of [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 40, 2 ** 53 - 1, -(2 ** 53) + 1]) {
          expect(await kept(value)).toBe(value)
        }
      })

      it('refuse numbers that would not come back the same', async () => {
        for (const value of [2 ** 53, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          await expect(kept(value)).rejects.toThrow(TypeError)
        }
      })

      it('keep texts exactly, whatever they look like', async () => {
        const texts = [
          '',
          ' ',
          "it's",
          '"; drop table things; --',
          '$1 ?1 ? :a @b',
          'é',
          'é',
          '😀',
          '\uFFFD',
          '\n\t\\x00',
        ]
        for (const text of [...texts, '123', 'null', 'ß'.repeat(1_000)]) expect(await kept(text)).toBe(text)
      })

      it('refuse a NUL and half a surrogate pair, which would not come back', async () => {
        for (const text of ['a\0b', '\0', '\ud800', 'a\udc00']) {
          expect(await failureCode(kept(text))).toBe('INVALID')
          expect(await failureCode(db.first`select name from things where name = ${text}`)).toBe('INVALID')
          expect(await failureCode(db.first`select name from things where name in ${many(['a', text])}`)).toBe(
            'INVALID',
          )
        }
      })

      it('keep bytes exactly, as plain Uint8Array', async () => {
        const all = Uint8Array.from({ length: 256 }, (_, i) => i)
        for (const bytes of [new Uint8Array(0), all, all.subarray(200, 210), new Uint8Array([0]), Buffer.from('x')]) {
          const back = await kept(bytes)
          expect(back?.constructor).toBe(Uint8Array)
          expect(back).toEqual(new Uint8Array(bytes))
        }
      })

      it('keep 16 MiB of bytes and of text', async () => {
        const bytes = Uint8Array.from({ length: 16 << 20 }, (_, i) => (i * 31) >> 3)
        expect(Bun.hash((await kept(bytes)) as Uint8Array)).toBe(Bun.hash(bytes)) // `kept` answers the kind it was given
        const text = 'aé😀\\'.repeat(1 << 20)
        const row = await db.transaction((tx) => tx.first<{ x: string }>`select ${text} as x`)
        expect(row?.x === text).toBe(true)
      }, 30_000)

      it('tell an empty text and empty bytes from null', async () => {
        expect(await kept('')).toBe('')
        expect(await kept(null)).toBeNull()
        expect(await kept(new Uint8Array(0))).toEqual(new Uint8Array(0))
      })

      it('may be null anywhere a value may stand', async () => {
        const ask = (value: string | null, amount: number | null) => db.first`
          select case when ${value} is null then 'nothing' else ${value} end as word, coalesce(${amount}, 7) as n`
        expect(await ask(null, null)).toEqual({ word: 'nothing', n: 7 })
        expect(await ask('some', 1)).toEqual({ word: 'some', n: 1 })
        expect(await ask(null, 2)).toEqual({ word: 'nothing', n: 2 })
      })
    })

    describe('lists', () => {
      it('stand after "in", of any length', async () => {
        await saveAll(['a', 'b', 'c'])
        for (const length of [1, 2, 3, 5, 1_000, 5_000]) {
          const wanted = ['c', ...Array.from({ length: length - 1 }, (_, i) => `x${i}`)]
          expect(await db.all`select name from things where name in ${many(wanted)}`).toEqual([{ name: 'c' }])
        }
        const others = await db.all`select name from things where name not in ${many(['a', 'x', 'y'])} order by name`
        expect(others).toEqual([{ name: 'b' }, { name: 'c' }])
      })

      it('stand after "values", just as long as they are', async () => {
        await db.transaction((tx) => tx.run`insert into things (name, amount, bytes) values ${many(['a', 1, null])}`)
        expect(await db.all`select * from things`).toEqual([{ name: 'a', amount: 1, bytes: null }])
      })

      it('stand beside other values, in their places', async () => {
        await saveAll(['a', 'b', 'c'])
        const found = (least: string, ...wanted: string[]) =>
          db.all`select name from things where name > ${least} and name in ${many(wanted)} and name < ${'z'}`
        expect(await found('a', 'a', 'b')).toEqual([{ name: 'b' }])
        expect(await found('b', 'a', 'b', 'c')).toEqual([{ name: 'c' }])
      })

      it('are never empty', () => {
        expect(() => many([])).toThrow(TypeError)
      })
    })
  })
}
