import { afterEach, describe, expect, it } from 'bun:test'
import type { DamagingStore } from '../../tests/harness/damaging-store.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { Interruption, interruptedDatabase, interruptedStore } from '../../tests/harness/interrupted-seams.ts'
import { bodyOf, pushBytes, TestRegistry } from '../../tests/harness/registry.ts'
import { findBlobAnywhere } from '../catalog/blobs.ts'
import { algorithmOf, type Digest, digestOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { Log, LogFields } from '../core/log.ts'
import type { WritablePackage } from '../repositories/package.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type ScrubSettings, scrub } from './scrub.ts'

const FAST = 1024 * 1024 * 1024
const NEVER = new AbortController().signal

/** Ways to push bytes, each through another door. */
export const UPLOAD_WAYS: Record<string, (pkg: WritablePackage, bytes: Uint8Array, digest: Digest) => Promise<void>> = {
  async 'one POST'(pkg, bytes, digest) {
    await pkg.uploads.put(digest, {}, bodyOf(bytes))
  },
  async 'a stream and an empty PUT'(pkg, bytes, digest) {
    const { id } = await pkg.uploads.start(algorithmOf(digest))
    await pkg.uploads.append(id, {}, bodyOf(bytes))
    await pkg.uploads.commit(id, digest, {}, null)
  },
  async 'chunks, the last with the PUT'(pkg, bytes, digest) {
    const { id } = await pkg.uploads.start(algorithmOf(digest))
    const half = Math.floor(bytes.length / 2)
    await pkg.uploads.append(id, { start: 0, length: half }, bodyOf(bytes.subarray(0, half)))
    await pkg.uploads.commit(id, digest, { start: half }, bodyOf(bytes.subarray(half)))
  },
}

const random = (size = 5000) => crypto.getRandomValues(new Uint8Array(size))

/** What the scrubber finds, and what is served, pushed and mounted of it then. */
export function scrubContract(open: OpenDatabase, openStore: () => Promise<DamagingStore>): void {
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
    const events: [string, LogFields | undefined][] = []
    const log: Log = {
      debug() {},
      info() {},
      warn: (event, fields) => void events.push([event, fields]),
      error: (event, _, fields) => void events.push([event, fields]),
    }
    // past everything that the test pushes
    const time = { now: Date.now() + 3_600_000 }
    const bytes = { db: test.db, blobs: store.stores.blobs, log, clock: () => time.now }
    const settings: ScrubSettings = {
      bytesPerSecond: FAST,
      checkedUntil: Number.MAX_SAFE_INTEGER,
      recheck: { firstMs: 0, longestMs: 0 },
      mostMs: 60_000,
    }
    const run = (more: Partial<ScrubSettings> = {}, signal = NEVER) => scrub(bytes, { ...settings, ...more }, signal)
    const locationOf = async (digest: Digest) => (await findBlobAnywhere(test.db, digest))!.location
    const isDamaged = async (digest: Digest) => (await findBlobAnywhere(test.db, digest))?.damaged_at != null
    const app = await test.push('demo/app')
    // so that the store is never empty: then it would count as away
    await pushBytes(app, random(10))
    return { store, test, app, bytes, settings, run, locationOf, isDamaged, events, time }
  }
  const bytesOf = async (pkg: WritablePackage, digest: Digest): Promise<Uint8Array> => {
    const body = await pkg.openBlob(digest)
    if (body.kind === 'file') return Bun.file(body.path).bytes()
    if (body.kind === 'stream') return new Response(body.stream).bytes()
    throw new Error('a link')
  }
  const eventually = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await Bun.sleep(5)
  }

  describe('the scrubber', () => {
    it('notes what is good, and has nothing to do until its time comes again', async () => {
      const { test, app, run, time } = await start()
      const before = Date.now() - 60_000
      await pushBytes(app, random())
      await UPLOAD_WAYS['one POST']!(app, new Uint8Array(), digestOf(''))
      const sha512 = random(70_000)
      await app.uploads.put(digestOf(sha512, 'sha512'), {}, bodyOf(sha512))
      const now = Date.now()
      expect(await run({ checkedUntil: before })).toMatchObject({ seen: 0 })
      expect(await run({ checkedUntil: now })).toMatchObject({ seen: 4, bytes: 75_010, damaged: 0, isComplete: true })
      expect(await run({ checkedUntil: now })).toMatchObject({ seen: 0 })
      const oldest = await test.db.first<{ checked_at: number }>`select min(checked_at) as checked_at from blobs`
      expect(oldest?.checked_at).toBe(time.now)
      expect(await run()).toMatchObject({ seen: 0 })
    })

    it.each(['flip', 'cut', 'lose'] as const)(
      'finds bytes after a %s, tells it once, and nobody gets them',
      async (how) => {
        const { store, test, app, run, locationOf, events } = await start()
        const bytes = random()
        const digest = await pushBytes(app, bytes)
        const there = await test.push('other/copy')
        expect(await there.mount(digest, await test.push('demo/app'))).not.toBeNull()
        await store[how](await locationOf(digest))
        const report = await run()
        expect(report).toMatchObject({ seen: 2, damaged: 1, recovered: 0, unreadable: 0 })
        expect(report.missing).toMatchObject([{ digest, images: ['demo/app', 'other/copy'] }])
        expect(await run()).toMatchObject({ damaged: 1 })
        expect(events.filter(([event]) => event === 'blobs.damaged')).toEqual([
          ['blobs.damaged', { digest, seenBy: 'scrub' }],
        ])
        for (const name of ['demo/app', 'other/copy']) {
          const pkg = async () => test.push(name)
          for (const range of [undefined, { start: 0, end: 9 }, { start: 4990, end: 4999 }]) {
            expect(await failureCode((await pkg()).openBlob(digest, range))).toBe('UNKNOWN')
          }
          expect(await (await pkg()).probeBlob(digest)).toBeNull()
          expect(await (await test.push('demo/new')).mount(digest, await pkg())).toBeNull()
        }
      },
    )

    it.each(Object.keys(UPLOAD_WAYS))('has damage healed everywhere by a push through %s', async (way) => {
      const { store, test, app, run, locationOf, isDamaged } = await start()
      const there = await test.push('other/copy')
      for (const how of ['flip', 'cut', 'lose'] as const) {
        const bytes = random()
        const digest = await pushBytes(app, bytes)
        await there.mount(digest, await test.push('demo/app'))
        const before = await locationOf(digest)
        await store[how](before)
        await run()
        await UPLOAD_WAYS[way]!(await test.push('other/third'), bytes, digest)
        expect([await isDamaged(digest), await store.stores.blobs.stat(before)]).toEqual([false, null])
        for (const name of ['demo/app', 'other/copy', 'other/third']) {
          const pkg = await test.push(name)
          expect(Buffer.compare(await bytesOf(pkg, digest), bytes)).toBe(0)
          expect(await (await test.push(name)).probeBlob(digest)).toEqual({ digest, size: bytes.length })
        }
        expect(await run()).toMatchObject({ damaged: 0 })
      }
    })

    it('takes damage back when the bytes are good again', async () => {
      const { store, app, run, locationOf, isDamaged, events } = await start()
      const digest = await pushBytes(app, random())
      await store.flip(await locationOf(digest))
      await run()
      expect(await isDamaged(digest)).toBe(true)
      await store.flip(await locationOf(digest))
      expect(await run()).toMatchObject({ damaged: 0, recovered: 1 })
      expect([await isDamaged(digest), events.at(-1)]).toEqual([false, ['blobs.good_again', { digest }]])
    })

    it('looks at damaged blobs soon again, then less and less often', async () => {
      const { store, app, run, locationOf, time } = await start()
      const digest = await pushBytes(app, random())
      await store.flip(await locationOf(digest))
      await run()
      const recheck = { firstMs: 10, longestMs: 50 }
      const looks: number[] = []
      for (let after = 1; after <= 220; after++) {
        time.now += 1
        const { seen } = await run({ recheck, checkedUntil: 0 })
        if (seen > 0) looks.push(after)
      }
      expect(looks).toEqual([10, 30, 70, 120, 170, 220])
    })

    it('never takes a store that is away, or brings nothing, for damage', async () => {
      const { test, app, bytes, settings, isDamaged } = await start()
      const digests = [await pushBytes(app, random()), await pushBytes(app, random())]
      const { blobs } = bytes
      const unavailable = () => Promise.reject(new RegistryError('UNAVAILABLE'))
      const broken = () =>
        Promise.resolve(new ReadableStream<Uint8Array>({ pull: (c) => c.error(new Error('cut off')) }))
      const short = () => Promise.resolve(new Response(new Uint8Array(9)).body!)
      const stat = (location: string) => blobs.stat(location)
      const stores: Partial<BlobStore>[] = [
        { stat: unavailable },
        { stat, read: unavailable },
        { stat, read: broken },
        { stat, read: short },
      ]
      for (const some of stores) {
        // what is not there is not called
        const away = { list: () => blobs.list(), ...some } as BlobStore
        expect(await scrub({ ...bytes, blobs: away }, settings, NEVER)).toMatchObject({
          seen: 3,
          unreadable: 3,
          damaged: 0,
        })
      }
      for (const digest of digests) expect(await isDamaged(digest)).toBe(false)
      for (let more = 0; more < 8; more++) await pushBytes(app, random())
      const away = { list: () => blobs.list(), stat: unavailable } as unknown as BlobStore
      expect(await failureCode(scrub({ ...bytes, blobs: away }, settings, NEVER))).toBe('UNAVAILABLE')
      const empty = { stat: async () => null, async *list() {} } as unknown as BlobStore
      expect(await failureCode(scrub({ ...bytes, blobs: empty }, settings, NEVER))).toBe('UNAVAILABLE')
      expect((await test.db.all`select digest from blobs where damaged_at is not null`).length).toBe(0)
    })

    it('keeps to its pace within a blob, and stops at once in the middle of one', async () => {
      const { app, run, time } = await start()
      await pushBytes(app, random(400_000))
      const begun = performance.now()
      await run({ bytesPerSecond: 400_000 })
      expect(performance.now() - begun).toBeGreaterThan(600)
      time.now += 10
      const stop = new AbortController()
      const running = run({ bytesPerSecond: 1000 }, stop.signal)
      setTimeout(() => stop.abort(), 50)
      const stopped = performance.now()
      await expect(running).rejects.toThrow('abort')
      expect(performance.now() - stopped).toBeLessThan(500)
    })

    it('ends a run after its time, and the next goes on where it was', async () => {
      const { app, run } = await start()
      for (let more = 0; more < 5; more++) await pushBytes(app, random())
      const now = Date.now()
      expect(await run({ mostMs: 0, checkedUntil: now })).toMatchObject({ seen: 0, isComplete: false })
      const slow = { bytesPerSecond: 50_000, checkedUntil: now }
      const first = await run({ ...slow, mostMs: 150 })
      expect(first.isComplete).toBe(false)
      const rest = await run({ checkedUntil: now })
      expect([first.seen + rest.seen, rest.isComplete]).toEqual([6, true])
    })

    it('is right whatever happens to the blob before any of its steps', async () => {
      const { store, test, app, bytes, settings, locationOf, isDamaged } = await start()
      const acts = {
        async removed(digest: Digest) {
          const location = await locationOf(digest)
          await test.db.transaction(async (tx) => {
            await tx.run`delete from package_blobs where digest = ${digest}`
            await tx.run`delete from blobs where digest = ${digest}`
          })
          await store.lose(location)
        },
        async healed(digest: Digest, content: Uint8Array) {
          await test.db.transaction((tx) => tx.run`update blobs set damaged_at = 1 where digest = ${digest}`)
          await pushBytes(await test.push('demo/heal'), content)
        },
        async 'pushed again'(_digest: Digest, content: Uint8Array) {
          await pushBytes(await test.push('demo/again'), content)
        },
        async 'removed and pushed'(digest: Digest, content: Uint8Array) {
          await acts.removed(digest)
          await pushBytes(await test.push('demo/again'), content)
        },
      }
      for (const act of Object.values(acts)) {
        for (let at = 0; ; at++) {
          const content = random(300)
          const digest = await pushBytes(app, content)
          const interruption = new Interruption(at, () => act(digest, content))
          const blobs = interruptedStore(bytes.blobs, interruption)
          const db = interruptedDatabase(bytes.db, interruption)
          const report = await scrub({ ...bytes, db, blobs }, settings, NEVER)
          if (!interruption.hasHappened) break
          expect([act.name, at, report.damaged, await isDamaged(digest)]).toEqual([act.name, at, 0, false])
          const row = await findBlobAnywhere(test.db, digest)
          if (row) expect(Buffer.compare(await bytesOf(await test.push(await holder(digest)), digest), content)).toBe(0)
          await test.db.transaction(async (tx) => {
            await tx.run`delete from package_blobs where digest = ${digest}`
            await tx.run`delete from blobs where digest = ${digest}`
          })
        }
      }
      async function holder(digest: Digest): Promise<string> {
        const row = await test.db.first<{ full_name: string }>`
          select p.full_name from packages p join package_blobs l on l.package_id = p.id where l.digest = ${digest} limit 1`
        return row!.full_name
      }
    })
  })

  describe('a request that meets damage', () => {
    it.each(['cut', 'lose'] as const)('gets an error at once after a %s, and notes it once', async (how) => {
      const { store, test, app, locationOf, isDamaged } = await start()
      const digest = await pushBytes(app, random())
      await store[how](await locationOf(digest))
      const ranges = [undefined, { start: 0, end: 9 }, { start: 4990, end: 4999 }]
      for (const range of ranges) {
        const code = await failureCode((await test.push('demo/app')).openBlob(digest, range))
        expect(['UNKNOWN', 'BLOB_UNKNOWN']).toContain(code)
      }
      await eventually(() => isDamaged(digest))
      expect(await (await test.push('demo/app')).probeBlob(digest)).toBeNull()
    })

    it('that asks whether a blob is there is told that it is not, and notes it', async () => {
      const { store, test, app, locationOf, isDamaged } = await start()
      const digest = await pushBytes(app, random())
      await store.cut(await locationOf(digest))
      expect(await (await test.push('demo/app')).probeBlob(digest)).toBeNull()
      await eventually(() => isDamaged(digest))
    })

    it('marks nothing where the whole store is away', async () => {
      const { store, test, app, isDamaged, locationOf } = await start()
      const digest = await pushBytes(app, random())
      for (const { location } of await test.db.all<{ location: string }>`select location from blobs`) {
        await store.lose(location)
      }
      expect(await failureCode((await test.push('demo/app')).openBlob(digest))).toBe('BLOB_UNKNOWN')
      expect(await (await test.push('demo/app')).probeBlob(digest)).toBeNull()
      await Bun.sleep(50)
      expect([await isDamaged(digest), (await locationOf(digest)).length > 0]).toEqual([false, true])
    })

    it('gets the new bytes when they were healed between its two looks', async () => {
      const { store, test, app, locationOf } = await start()
      const bytes = random()
      const digest = await pushBytes(app, bytes)
      const reading = await test.push('demo/app')
      await reading.statBlob(digest)
      await store.lose(await locationOf(digest))
      await pushBytes(await test.push('demo/heal'), bytes)
      expect(Buffer.compare(await bytesOf(reading, digest), bytes)).toBe(0)
    })
  })
}
