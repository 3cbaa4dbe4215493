import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { FaultyDatabase } from '../../tests/harness/faulty-database.ts'
import { putDocument, TestRegistry } from '../../tests/harness/registry.ts'
import { SILENT } from '../core/log.ts'
import { PullLog } from './pull-log.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'

/** When what was pulled last: written behind the requests, never back in time, and not lost. */
export function pullLogContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const db = new FaultyDatabase(await open())
    const test = await TestRegistry.open(db)
    opened.push(test)
    await test.repository('demo')
    const pkg = await test.push('demo/app')
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }))
    const digest = await putDocument(pkg, { mediaType: INDEX, bytes }, { tags: ['v1', 'v2'] })
    const row = await db.first<{ id: number }>`select id from packages`
    const kept = async () => {
      const rows = await db.all<{ reference: string; pulled_at: number }>`
        select reference, pulled_at from pulls order by reference`
      return Object.fromEntries(rows.map(({ reference, pulled_at }) => [reference, pulled_at]))
    }
    let now = 1_000
    const log = (most?: number) => new PullLog(db, () => now, SILENT, most)
    const at = (time: number) => {
      now = time
    }
    return { test, db, pkg, digest, id: row?.id ?? 0, kept, log, at }
  }

  describe('a pull', () => {
    it('by tag is one of the tag and of the digest that it led to; asking whether it is there is none', async () => {
      const { test, pkg, digest, kept } = await start()
      await pkg.stat('v1')
      await pkg.stat(digest)
      expect(await pkg.find('absent')).toBeNull()
      await test.services.pulls.flush()
      expect(await kept()).toEqual({})
      const before = test.auth.now()
      await pkg.find('v1')
      await test.services.pulls.flush()
      const times = await kept()
      expect(Object.keys(times).sort()).toEqual([digest, 'v1'].sort())
      expect(times.v1).toBeGreaterThanOrEqual(before)
      test.auth.ahead = 60_000
      await pkg.find(digest)
      await test.services.pulls.flush()
      const later = await kept()
      expect([later.v1, (later[digest] ?? 0) > (times[digest] ?? 0)]).toEqual([times.v1!, true])
    })

    it('never moves back in time, whichever process writes last', async () => {
      const { id, kept, log, at } = await start()
      const [one, other] = [log(), log()]
      at(5_000)
      one.note(id, 'v1', 'sha256:a')
      at(3_000)
      one.note(id, 'v1', 'sha256:a')
      other.note(id, 'v1', 'sha256:a')
      await one.flush()
      await other.flush()
      expect(await kept()).toEqual({ v1: 5_000, 'sha256:a': 5_000 })
    })

    it.each(['rolled-back', 'answer-lost'] as const)('is not lost when the batch is %s', async (kind) => {
      const { db, id, kept, log, at } = await start()
      const pulls = log()
      for (let n = 0; n < 450; n++) pulls.note(id, `tag-${n}`, 'sha256:a')
      db.failOnce('insert into pulls', kind)
      await expect(pulls.flush()).rejects.toThrow()
      at(9_000)
      pulls.note(id, 'tag-7', 'sha256:b')
      await pulls.flush()
      const times = await kept()
      expect([Object.keys(times).length, times['tag-7'], times['tag-8']]).toEqual([452, 9_000, 1_000])
    })

    it('of a package that is gone fails nothing of the others', async () => {
      const { id, kept, log } = await start()
      const pulls = log()
      pulls.note(id + 1_000, 'v1', 'sha256:a')
      pulls.note(id, 'v2', 'sha256:a')
      await pulls.flush()
      expect(await kept()).toEqual({ v2: 1_000, 'sha256:a': 1_000 })
    })

    it('of many processes at once is written by all of them', async () => {
      const { id, kept, log, at } = await start()
      const logs = Array.from({ length: 8 }, () => log())
      for (const [n, pulls] of logs.entries()) {
        at(n * 10)
        for (let tag = 0; tag < 300; tag++) pulls.note(id, `tag-${(tag * 7 + n) % 300}`, 'sha256:a')
      }
      await Promise.all(logs.map((pulls) => pulls.flush()))
      expect(new Set(Object.values(await kept()))).toEqual(new Set([70]))
    })

    it('takes memory up to a bound only, and is written before that is reached', async () => {
      const { db, id, kept, log } = await start()
      const pulls = log(100)
      for (let n = 0; n < 500; n++) pulls.note(id, `a-${n}`, 'sha256:a')
      await pulls.flush()
      expect(Object.keys(await kept()).length).toBe(100)
      await db.transaction((tx) => tx.run`delete from pulls`)
      for (let n = 0; n < 60; n++) pulls.note(id, `b-${n}`, 'sha256:a')
      for (let patience = 0; patience < 100 && Object.keys(await kept()).length < 61; patience++) await Bun.sleep(20)
      expect(Object.keys(await kept()).length).toBe(61)
    })
  })
}
