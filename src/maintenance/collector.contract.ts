import { afterEach, describe, expect, it } from 'bun:test'
import { Collecting, DAYS_MS, GRACE_MS, imageOf, REMOVE_AFTER_MS } from '../../tests/harness/collecting.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { FaultyDatabase } from '../../tests/harness/faulty-database.ts'
import { pushBytes, putDocument } from '../../tests/harness/registry.ts'
import { compareWithStore, findUntruths } from '../../tests/harness/truth.ts'
import { randomBytes } from '../../tests/protocol/samples.ts'
import { findBlobAnywhere } from '../catalog/blobs.ts'
import { countWaiting, findReclaimable } from '../catalog/reclaimable.ts'
import { SYSTEM } from '../core/actor.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { SILENT } from '../core/log.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Database } from '../storage/database.ts'
import { collect } from './collect.ts'

/** A store that does not remove certain bytes, for as long as a test likes. */
function stubborn(inner: BlobStore, refuses: (location: string) => boolean): BlobStore {
  return {
    stat: (location) => inner.stat(location),
    open: (location, size, range) => inner.open(location, size, range),
    read: (location, range) => inner.read(location, range),
    commit: (staged) => inner.commit(staged),
    list: () => inner.list(),
    ping: () => inner.ping(),
    async remove(locations) {
      if (locations.some(refuses)) throw new Error('the store does not want to')
      await inner.remove(locations)
    },
  }
}

/** A database that notes what it is asked for. */
function noted(inner: Database, notes: string[]): Database {
  return {
    all: (strings, ...parts) => {
      notes.push('read')
      return inner.all(strings, ...parts)
    },
    first: (strings, ...parts) => {
      notes.push('read')
      return inner.first(strings, ...parts)
    },
    transaction: (work) => {
      notes.push('transaction')
      return inner.transaction(work)
    },
    ping: () => inner.ping(),
    close: () => inner.close(),
  }
}

/** What is collected and when, and what is not. */
export function collectorContract(open: OpenDatabase): void {
  const opened: Collecting[] = []
  afterEach(async () => {
    for (const { test } of opened.splice(0)) await test.close()
  })
  const start = async (db?: Database): Promise<Collecting> => {
    const collecting = await Collecting.open(db ?? (await open()))
    opened.push(collecting)
    return collecting
  }
  /** Nothing counted wrong, nothing lost in the store, nothing forgotten. */
  const expectTruth = async ({ db, test }: Collecting): Promise<void> => {
    expect(await findUntruths(db)).toEqual([])
    expect(await compareWithStore(db, test.services.blobs)).toEqual({ lost: [], orphans: [] })
  }

  describe('a blob that nothing uses', () => {
    it('stays for the grace, is forgotten then, and its bytes go a little later', async () => {
      const world = await start()
      const digest = await pushBytes(await world.test.push('demo/app'), randomBytes(100))
      world.pass(GRACE_MS - 1_000)
      await world.collect()
      expect([await world.isVisible('demo/app', digest), (await world.usage('demo')).blobBytes]).toEqual([true, 100])
      world.pass(2_000)
      expect(await world.collect()).toMatchObject({ hiddenLinks: 1, condemnedBlobs: 1, condemnedBytes: 100 })
      expect([await world.isVisible('demo/app', digest), (await world.usage('demo')).blobBytes]).toEqual([false, 0])
      expect((await world.locations()).length).toBe(1)
      await expectTruth(world)
      world.pass(REMOVE_AFTER_MS + 1_000)
      expect(await world.collect()).toMatchObject({ removedBlobs: 1, removedBytes: 100 })
      expect(await world.locations()).toEqual([])
      await expectTruth(world)
    })

    it('stays for another grace when a client asked for it, without using it', async () => {
      const world = await start()
      const digest = await pushBytes(await world.test.push('demo/app'), randomBytes(100))
      world.pass(GRACE_MS - 1_000)
      expect(await (await world.test.push('demo/app')).probeBlob(digest)).not.toBeNull()
      world.pass(2_000)
      await world.collect()
      expect(await world.isVisible('demo/app', digest)).toBe(true)
      world.pass(GRACE_MS)
      await world.collect()
      expect(await world.isVisible('demo/app', digest)).toBe(false)
    })

    it('is told as room that comes back, first as a link, then as bytes', async () => {
      const world = await start()
      await pushBytes(await world.test.push('demo/app'), randomBytes(100))
      const now = () => world.test.auth.now()
      const figures = async () => {
        const { condemnedBytes, unusedBytes } = await findReclaimable(world.db)
        return { condemnedBytes, unusedBytes, ...(await countWaiting(world.db, now() - GRACE_MS)) }
      }
      expect(await figures()).toEqual({ condemnedBytes: 0, unusedBytes: 100, reviews: 0, condemned: 0 })
      world.pass(DAYS_MS)
      expect(await figures()).toEqual({ condemnedBytes: 0, unusedBytes: 100, reviews: 1, condemned: 0 })
      await world.collect()
      expect(await figures()).toEqual({ condemnedBytes: 100, unusedBytes: 0, reviews: 0, condemned: 1 })
    })

    it('that a client removed from its only package goes as well', async () => {
      const world = await start()
      const digest = await pushBytes(await world.test.push('demo/app'), randomBytes(100))
      const removing = await world.test.registry.toDelete(SYSTEM, world.test.name('demo/app'))
      expect(await removing.removeBlob(digest)).toBe(true)
      await world.collectAll()
      expect([await world.locations(), await findBlobAnywhere(world.db, digest)]).toEqual([[], null])
      await expectTruth(world)
    })

    it('and is pushed again after it was forgotten lies elsewhere, and stays', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      const bytes = randomBytes(100)
      const digest = await pushBytes(pkg, bytes)
      world.pass(DAYS_MS)
      await world.collect()
      await pushBytes(pkg, bytes)
      const again = await findBlobAnywhere(world.db, digest)
      await putDocument(pkg, imageOf([bytes]))
      expect((await world.locations()).length).toBe(2)
      await world.collectAll()
      expect(await world.locations()).toEqual([again!.location])
      expect((await world.usage('demo')).blobBytes).toBe(100)
      await expectTruth(world)
    })
  })

  describe('a blob in use', () => {
    it('stays, and is looked at no more', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      const blobs = [randomBytes(100), randomBytes(200)]
      for (const bytes of blobs) await pushBytes(pkg, bytes)
      await putDocument(pkg, imageOf(blobs), { tags: ['v1'] })
      await world.collectAll()
      expect((await world.locations()).length).toBe(2)
      expect(await world.db.all`select * from link_reviews`).toEqual([])
      await expectTruth(world)
    })

    it('of a deleted image stays until that can be brought back no longer, then for the grace', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      const blobs = [randomBytes(100), randomBytes(200)]
      for (const bytes of blobs) await pushBytes(pkg, bytes)
      const digest = await putDocument(pkg, imageOf(blobs), { tags: ['v1'] })
      world.pass(DAYS_MS)
      await world.removeArtifact('demo/app', digest)
      world.pass(world.test.services.keepDeletedMs - 60_000)
      await world.collect()
      expect((await world.usage('demo')).blobBytes).toBe(300)
      world.pass(120_000)
      await world.collect()
      expect((await world.usage('demo')).blobBytes).toBe(300)
      await world.collectAll()
      expect(await world.usage('demo')).toMatchObject({ blobBytes: 0, documentBytes: 0 })
      expect(await world.locations()).toEqual([])
      await expectTruth(world)
    })

    it('in one image is hidden in another that uses it no more, and counts for each repository by itself', async () => {
      const world = await start()
      const bytes = randomBytes(100)
      const image = imageOf([bytes])
      const names = ['demo/app', 'demo/twin', 'other/app']
      for (const name of names) {
        const pkg = await world.test.push(name)
        await pushBytes(pkg, bytes)
        await putDocument(pkg, image)
      }
      const seen = async () => ({
        visible: await Promise.all(names.map((name) => world.isVisible(name, digestOf(bytes)))),
        demo: (await world.usage('demo')).blobBytes,
        other: (await world.usage('other')).blobBytes,
        stored: (await world.locations()).length,
      })
      const steps = []
      for (const name of names) {
        await world.removeArtifact(name, image.digest)
        await world.collectAll()
        await expectTruth(world)
        steps.push(await seen())
      }
      expect(steps).toEqual([
        { visible: [false, true, true], demo: 100, other: 100, stored: 1 },
        { visible: [false, false, true], demo: 0, other: 100, stored: 1 },
        { visible: [false, false, false], demo: 0, other: 0, stored: 0 },
      ])
    })

    it('by a manifest that came before it stays, where manifests need not be whole', async () => {
      const world = await start()
      const pkg = await world.test.push('sparse/app')
      const bytes = randomBytes(100)
      const image = imageOf([bytes])
      await putDocument(pkg, image)
      await world.collectAll()
      await pushBytes(pkg, bytes)
      await world.collectAll()
      expect(await world.isVisible('sparse/app', digestOf(bytes))).toBe(true)
      await expectTruth(world)
      await world.removeArtifact('sparse/app', image.digest)
      await world.collectAll()
      expect(await world.locations()).toEqual([])
    })
  })

  describe('a client that asks for a blob', () => {
    it('is not told that it is there when it was hidden in between, even if others have it', async () => {
      const world = await start()
      const bytes = randomBytes(100)
      const pkg = await world.test.push('demo/app')
      const digest = await pushBytes(pkg, bytes)
      const keeper = await world.test.push('other/app')
      await pushBytes(keeper, bytes)
      await putDocument(keeper, imageOf([bytes]))
      world.pass(DAYS_MS)
      expect((await pkg.statBlob(digest))?.digest).toBe(digest)
      await world.collect()
      // It has read the blob's row before, and asks on the strength of that.
      expect(await pkg.probeBlob(digest)).toBeNull()
      expect(await failureCode(putDocument(pkg, imageOf([bytes])))).toBe('MANIFEST_BLOB_UNKNOWN')
      expect((await keeper.probeBlob(digest))?.digest).toBe(digest)
      await expectTruth(world)
    })
  })

  describe('a run', () => {
    it('with nothing to do asks each queue once, and writes nothing', async () => {
      const world = await start()
      await pushBytes(await world.test.push('demo/app'), randomBytes(100))
      const notes: string[] = []
      await world.collect(world.collector({ db: noted(world.db, notes) }))
      expect(notes).toEqual(['read', 'read', 'read'])
    })

    it('ends after its steps and says that there is more, or when it is asked to stop', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      for (let n = 0; n < 20; n++) await pushBytes(pkg, randomBytes(10))
      world.pass(DAYS_MS)
      const controller = new AbortController()
      const run = { pause: async () => {}, signal: controller.signal, mostSteps: 2, log: SILENT }
      expect(await collect(world.collector(), run)).toBe(false)
      const pause = async () => controller.abort(new Error('stop'))
      await expect(collect(world.collector(), { ...run, pause, mostSteps: 100 })).rejects.toThrow('stop')
      expect(await collect(world.collector(), { ...run, signal: AbortSignal.timeout(60_000), mostSteps: 100 })).toBe(
        true,
      )
      expect((await world.usage('demo')).blobBytes).toBe(0)
      await expectTruth(world)
    })

    it('may go on beside others of its kind', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      for (let n = 0; n < 40; n++) {
        const blobs = [randomBytes(10), randomBytes(20)]
        for (const bytes of blobs) await pushBytes(pkg, bytes)
        if (n % 2 === 0) await putDocument(pkg, imageOf(blobs))
      }
      world.pass(DAYS_MS)
      await Promise.all([world.collect(), world.collect(), world.collect()])
      world.pass(DAYS_MS)
      const tallies = await Promise.all([world.collect(), world.collect(), world.collect()])
      expect(tallies.reduce((sum, { removedBlobs }) => sum + removedBlobs, 0)).toBe(40)
      expect((await world.usage('demo')).blobBytes).toBe(20 * 30)
      expect((await world.locations()).length).toBe(40)
      await expectTruth(world)
    })

    it.each([
      ['delete from condemned_blobs', 'rolled-back'],
      ['delete from condemned_blobs', 'answer-lost'],
      ['delete from package_blobs', 'rolled-back'],
      ['insert into condemned_blobs', 'answer-lost'],
      ['delete from deleted_artifacts', 'rolled-back'],
      ['delete from deleted_artifacts', 'answer-lost'],
    ] as const)('that is cut off at "%s" (%s) is made good by the next', async (statement, kind) => {
      const db = new FaultyDatabase(await open())
      const world = await start(db)
      const pkg = await world.test.push('demo/app')
      const bytes = randomBytes(100)
      await pushBytes(pkg, bytes)
      await world.removeArtifact('demo/app', await putDocument(pkg, imageOf([bytes])))
      db.failOnce(statement, kind)
      await world.collectAll()
      await world.collectAll()
      expect(await world.locations()).toEqual([])
      expect(await db.all`select * from condemned_blobs`).toEqual([])
      expect(await world.usage('demo')).toMatchObject({ blobBytes: 0, documentBytes: 0 })
      await expectTruth(world)
    })
  })

  describe('bytes that the store does not remove', () => {
    it('are tried again later, and keep no others waiting', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      const digests: Digest[] = []
      for (let n = 0; n < 10; n++) digests.push(await pushBytes(pkg, randomBytes(10)))
      const { location: bad } = (await findBlobAnywhere(world.db, digests[3]!))!
      world.pass(DAYS_MS)
      await world.collect()
      world.pass(DAYS_MS)
      let isBad = true
      const blobs = stubborn(world.test.services.blobs, (location) => isBad && location === bad)
      expect(await world.collect(world.collector({ blobs }))).toMatchObject({ removedBlobs: 9, failedRemovals: 1 })
      expect(await world.locations()).toEqual([bad])
      expect(await world.collect(world.collector({ blobs }))).toMatchObject({ removedBlobs: 0, failedRemovals: 0 })
      world.pass(120_000)
      expect(await world.collect(world.collector({ blobs }))).toMatchObject({ failedRemovals: 1 })
      isBad = false
      world.pass(120_000)
      expect(await world.collect(world.collector({ blobs }))).toMatchObject({ removedBlobs: 1 })
      expect(await world.locations()).toEqual([])
    })

    it('wait without many a try while the store is away, and everything else goes on', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      for (let n = 0; n < 10; n++) await pushBytes(pkg, randomBytes(10))
      world.pass(DAYS_MS)
      await world.collect()
      const kept = await pushBytes(pkg, randomBytes(10))
      world.pass(DAYS_MS)
      const blobs = stubborn(world.test.services.blobs, () => true)
      expect(await world.collect(world.collector({ blobs }))).toMatchObject({ failedRemovals: 3, hiddenLinks: 1 })
      expect(await world.isVisible('demo/app', kept)).toBe(false)
      world.pass(DAYS_MS)
      expect(await world.collect()).toMatchObject({ removedBlobs: 11 })
    })
  })
}
