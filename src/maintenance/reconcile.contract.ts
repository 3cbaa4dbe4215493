import { afterEach, describe, expect, it } from 'bun:test'
import { bytesOf, save } from '../../tests/contracts/stores.ts'
import type { DamagingStore } from '../../tests/harness/damaging-store.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { Interruption, interruptedDatabase, interruptedStore } from '../../tests/harness/interrupted-seams.ts'
import { bodyOf, pushBytes, TestRegistry } from '../../tests/harness/registry.ts'
import { findUntruths } from '../../tests/harness/truth.ts'
import { findBlobAnywhere } from '../catalog/blobs.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { SILENT } from '../core/log.ts'
import { reconcile } from './reconcile.ts'
import type { ReconcileSettings } from './reconcile-settings.ts'

const HOUR_MS = 3_600_000
const NEVER = new AbortController().signal

const random = (size = 500) => crypto.getRandomValues(new Uint8Array(size))

/** What a comparison of store and database finds, repairs and leaves alone. */
export function reconcileContract(open: OpenDatabase, openStore: () => Promise<DamagingStore>): void {
  const opened: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })

  const start = async () => {
    const store = await openStore()
    opened.push(() => store.close())
    const test = await TestRegistry.open(await open(), { stores: store.stores })
    opened.push(() => test.close())
    await test.repository('demo')
    await test.repository('other')
    const time = { now: Date.now() }
    const bytes = { db: test.db, blobs: store.stores.blobs, log: SILENT, clock: () => time.now }
    const settings: ReconcileSettings = {
      safeAgeMs: 24 * HOUR_MS,
      graceMs: 24 * HOUR_MS,
      removeAfterMs: HOUR_MS,
      isSure: false,
      pauseMs: 0,
    }
    const run = (more: Partial<ReconcileSettings> = {}) => reconcile(bytes, { ...settings, ...more }, NEVER)
    const locationOf = async (digest: Digest) => (await findBlobAnywhere(test.db, digest))!.location
    const isDamaged = async (digest: Digest) => (await findBlobAnywhere(test.db, digest))?.damaged_at != null
    const app = await test.push('demo/app')
    await pushBytes(app, random(10))
    return { store, test, app, bytes, settings, run, locationOf, isDamaged, time }
  }

  describe('the comparison of store and database', () => {
    it('finds nothing wrong where nothing is', async () => {
      const { test, app, run, time } = await start()
      for (let more = 0; more < 20; more++) await pushBytes(app, random())
      await pushBytes(app, new Uint8Array())
      time.now += 48 * HOUR_MS
      const report = await run()
      expect(report).toMatchObject({ seen: 22, bytes: 10_010, orphans: 0, removed: 0, damaged: 0, unlinked: 0 })
      expect(report).toMatchObject({ missing: [], usage: [], isComplete: true, overdue: 0, pardoned: 0 })
      expect(await findUntruths(test.db)).toEqual([])
    })

    it('removes bytes without a row when they are old, and never those of an open upload', async () => {
      const { store, test, app, run, time } = await start()
      const orphans = [await save(store.stores, bytesOf(100, 1)), await save(store.stores, bytesOf(7, 2))]
      const { id } = await app.uploads.start('sha256')
      await app.uploads.append(id, {}, bodyOf(bytesOf(300, 3)))
      const condemned = await save(store.stores, bytesOf(50, 4))
      await test.db.transaction(
        (tx) => tx.run`
          insert into condemned_blobs (location, digest, size, condemned_at)
          values (${condemned}, ${digestOf(bytesOf(50, 4))}, 50, ${Date.now() + 48 * HOUR_MS})`,
      )
      expect(await run()).toMatchObject({ orphans: 0, removed: 0 })
      time.now += 25 * HOUR_MS
      expect(await run()).toMatchObject({ orphans: 2, orphanBytes: 107, removed: 2, removedBytes: 107 })
      const stats = [...orphans, condemned].map((location) => store.stores.blobs.stat(location))
      expect(await Promise.all(stats)).toEqual([null, null, 50])
      expect(await run()).toMatchObject({ orphans: 0, removed: 0 })
      const blob = await app.uploads.commit(id, digestOf(bytesOf(300, 3)), {}, null)
      expect(await run()).toMatchObject({ orphans: 0, damaged: 0 })
      expect(await (await test.push('demo/app')).probeBlob(blob.digest)).toEqual(blob)
    })

    it.each(['cut', 'lose'] as const)('marks a blob after a %s, so that a push heals it', async (how) => {
      const { store, test, app, run, locationOf, isDamaged } = await start()
      const bytes = random()
      const digest = await pushBytes(app, bytes)
      await (await test.push('other/copy')).mount(digest, await test.push('demo/app'))
      await store[how](await locationOf(digest))
      const report = await run()
      expect(report).toMatchObject({ damaged: 1, missing: [{ digest, images: ['demo/app', 'other/copy'] }] })
      expect(await isDamaged(digest)).toBe(true)
      expect(await run()).toMatchObject({ damaged: 1, missing: [] })
      await pushBytes(await test.push('other/third'), bytes)
      expect([await isDamaged(digest), (await run()).damaged]).toEqual([false, 0])
    })

    it('condemns a blob that no package shows when its grace is over', async () => {
      const { test, app, run, time } = await start()
      const digest = await pushBytes(app, random())
      const { location } = (await findBlobAnywhere(test.db, digest))!
      await test.db.transaction((tx) => tx.run`delete from package_blobs where digest = ${digest}`)
      // its repository counted it
      expect(await run()).toMatchObject({ unlinked: 0, usage: [{ blobBytes: 510 }] })
      time.now += 25 * HOUR_MS
      expect(await run()).toMatchObject({ unlinked: 1, orphans: 0, usage: [] })
      expect(await test.db.all`select location, digest, size from condemned_blobs`).toEqual([
        { location, digest, size: 500 },
      ])
      expect(await findUntruths(test.db)).toEqual([])
    })

    it('removes condemned bytes that were left behind, and pardons those of a living blob', async () => {
      const { store, test, app, run, locationOf } = await start()
      const left = await save(store.stores, bytesOf(60, 1))
      const living = await pushBytes(app, random())
      for (const [location, digest] of [
        [left, digestOf(bytesOf(60, 1))],
        [await locationOf(living), living],
      ] as const) {
        await test.db.transaction(
          (tx) => tx.run`
            insert into condemned_blobs (location, digest, size, condemned_at) values (${location}, ${digest}, 60, 0)`,
        )
      }
      expect(await run()).toMatchObject({ overdue: 1, pardoned: 1 })
      expect(await test.db.all`select location from condemned_blobs`).toEqual([])
      expect(await store.stores.blobs.stat(left)).toBeNull()
      expect(await store.stores.blobs.stat(await locationOf(living))).toBe(500)
    })

    it('corrects what repositories are said to hold', async () => {
      const { test, app, run } = await start()
      const digests = [await pushBytes(app, random()), await pushBytes(app, random())]
      await pushBytes(await test.push('demo/more'), random(33))
      await pushBytes(await test.push('other/more'), random(44))
      await test.db.transaction(async (tx) => {
        await tx.run`update repository_usage set blob_bytes = blob_bytes + 5, document_bytes = 9`
        await tx.run`delete from repository_blobs where digest = ${digests[0]!}`
        await tx.run`update repository_blobs set packages = 7 where digest = ${digests[1]!}`
        await tx.run`
          insert into repository_blobs (repository_id, digest, packages)
          select min(id), ${digestOf('nowhere')}, 1 from repositories`
      })
      const { usage } = await run()
      expect(usage.map(({ blobBytes, documentBytes }) => [blobBytes, documentBytes]).sort()).toEqual([
        [1048, 9],
        [49, 9],
      ])
      expect(await findUntruths(test.db)).toEqual([])
      expect((await run()).usage).toEqual([])
    })

    it('touches nothing when it looks like the wrong store or the wrong database, unless somebody is sure', async () => {
      const { store, test, app, run, time, isDamaged, locationOf } = await start()
      const digests: Digest[] = []
      for (let more = 0; more < 60; more++) digests.push(await pushBytes(app, random(20)))
      for (const digest of digests) await store.lose(await locationOf(digest))
      const strays: string[] = []
      for (let more = 0; more < 60; more++) strays.push(await save(store.stores, bytesOf(20, more + 50)))
      time.now += 25 * HOUR_MS
      const doubtful = await run()
      expect(doubtful).toMatchObject({ orphans: 60, removed: 0, damaged: 60, missing: [] })
      expect([doubtful.heldBack.orphans, doubtful.heldBack.missing]).toEqual([
        'the database does not know 60 of the 61 files in the store',
        'the store does not have 60 of the 61 blobs in the database',
      ])
      expect([await isDamaged(digests[0]!), await store.stores.blobs.stat(strays[0]!)]).toEqual([false, 20])
      const sure = await run({ isSure: true })
      expect(sure).toMatchObject({ removed: 60, damaged: 60, heldBack: { orphans: null, missing: null } })
      expect([sure.missing.length, await isDamaged(digests[0]!)]).toEqual([60, true])
      expect(await store.stores.blobs.stat(strays[0]!)).toBeNull()
      for (const { location } of await test.db.all<{ location: string }>`select location from blobs`) {
        await store.lose(location)
      }
      expect((await run()).heldBack.missing).toBe('the store does not have 61 of the 61 blobs in the database')
    })

    it('takes the list for no more than a hint, in whatever order it comes', async () => {
      const { app, bytes, settings, isDamaged } = await start()
      const digests: Digest[] = []
      for (let more = 0; more < 30; more++) digests.push(await pushBytes(app, random()))
      const entries = await Array.fromAsync(bytes.blobs.list())
      const partial = { ...interruptedStore(bytes.blobs, new Interruption(-1, async () => {})) }
      const lists = [entries.toReversed(), entries.slice(0, 5), entries.slice(20), []]
      for (const listed of lists) {
        const blobs = {
          ...partial,
          async *list() {
            yield* listed
          },
        }
        expect(await reconcile({ ...bytes, blobs }, settings, NEVER)).toMatchObject({ damaged: 0, removed: 0 })
      }
      for (const digest of digests) expect(await isDamaged(digest)).toBe(false)
    })

    it('stops when it is told to', async () => {
      const { bytes, settings } = await start()
      await expect(reconcile(bytes, settings, AbortSignal.abort())).rejects.toThrow('abort')
    })

    it('loses nothing whatever happens before any of its steps', async () => {
      const { store, test, app, bytes, settings, locationOf, isDamaged, time } = await start()
      time.now += 25 * HOUR_MS
      for (let at = 0, isOver = false; !isOver; at++) {
        const content = random()
        const { id } = await app.uploads.start('sha256')
        await app.uploads.append(id, {}, bodyOf(content))
        const wanted = await pushBytes(app, random())
        const doomed = await pushBytes(app, random())
        const stray = await save(store.stores, random())
        const interruption = new Interruption(at, async () => {
          // an old upload becomes a blob, a blob comes, and one goes as the collector takes it
          await (await test.push('demo/app')).uploads.commit(id, digestOf(content), {}, null)
          await pushBytes(await test.push('demo/new'), content.subarray(7))
          const location = await locationOf(doomed)
          await test.db.transaction(async (tx) => {
            await tx.run`update blobs set touched_at = touched_at where digest = ${doomed}`
            await tx.run`delete from package_blobs where digest = ${doomed}`
            await tx.run`delete from repository_blobs where digest = ${doomed}`
            await tx.run`delete from blobs where digest = ${doomed}`
            await tx.run`
              insert into condemned_blobs (location, digest, size, condemned_at)
              values (${location}, ${doomed}, 500, ${time.now})`
          })
          await store.lose(location)
        })
        const db = interruptedDatabase(bytes.db, interruption)
        const blobs = interruptedStore(bytes.blobs, interruption)
        const report = await reconcile({ ...bytes, db, blobs }, settings, NEVER)
        expect([at, report.damaged, report.removed]).toEqual([at, 0, 1])
        expect(await store.stores.blobs.stat(stray)).toBeNull()
        isOver = !interruption.hasHappened
        const alive = isOver ? [wanted, doomed] : [wanted, digestOf(content), digestOf(content.subarray(7))]
        for (const digest of alive) {
          expect([at, await isDamaged(digest)]).toEqual([at, false])
          expect(await store.stores.blobs.stat(await locationOf(digest))).toBeGreaterThan(0)
        }
      }
    })
  })
}
