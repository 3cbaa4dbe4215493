import { afterEach, describe, expect, it } from 'bun:test'
import { Collecting, imageOf } from '../../tests/harness/collecting.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { pushBytes, putDocument } from '../../tests/harness/registry.ts'
import { findUntruths } from '../../tests/harness/truth.ts'
import { randomBytes } from '../../tests/protocol/samples.ts'
import { findPackage } from '../catalog/packages.ts'
import { savePulls } from '../catalog/pulls.ts'
import { findScan, saveScan } from '../catalog/scans.ts'
import { SYSTEM } from '../core/actor.ts'
import type { Digest } from '../core/digest.ts'

/** What is purged of a deletion when its time is over, and what stays. */
export function purgeContract(open: OpenDatabase): void {
  const opened: Collecting[] = []
  afterEach(async () => {
    for (const { test } of opened.splice(0)) await test.close()
  })
  const start = async (): Promise<Collecting> => {
    const collecting = await Collecting.open(await open())
    opened.push(collecting)
    return collecting
  }
  const packageId = async ({ db, test }: Collecting, repository: string, name: string): Promise<number> =>
    (await findPackage(db, (await test.directory.find(repository))!.id, name))!
  const saveFinding = ({ db }: Collecting, digest: Digest) =>
    db.transaction((tx) =>
      saveScan(
        tx,
        {
          digest,
          state: 'exempt',
          platform: null,
          report: null,
          complete: true,
          reasons: [],
          packages: [],
          findings: [],
        },
        0,
      ),
    )

  describe('a deletion', () => {
    it('is kept whole until its time is over, with the room of its documents', async () => {
      const world = await start()
      const pkg = await world.test.push('sparse/app')
      const image = imageOf([randomBytes(10)])
      await putDocument(pkg, image, { tags: ['v1'] })
      await world.removeArtifact('sparse/app', image.digest)
      world.pass(world.test.services.keepDeletedMs - 60_000)
      expect((await world.collect()).purgedArtifacts).toBe(0)
      expect((await world.usage('sparse')).documentBytes).toBe(image.bytes.length)
      world.pass(120_000)
      expect((await world.collect()).purgedArtifacts).toBe(1)
      expect((await world.usage('sparse')).documentBytes).toBe(0)
      const left = await world.db.all`
        select 'deletion' as what from deletions union all select 'artifact' from deleted_artifacts
        union all select 'use' from deleted_artifact_blobs union all select 'tag' from deleted_tags`
      expect(left).toEqual([])
    })

    it('of a manifest that names very much goes in steps, and cannot be taken back once it is begun', async () => {
      const world = await start()
      const pkg = await world.test.push('sparse/app')
      const image = imageOf(Array.from({ length: 500 }, () => randomBytes(8)))
      await putDocument(pkg, image, { tags: ['v1'] })
      await world.removeArtifact('sparse/app', image.digest)
      world.pass(2 * world.test.services.keepDeletedMs)
      const collector = world.collector()
      const uses = async () => (await world.db.all`select digest from deleted_artifact_blobs`).length
      const seen: number[] = []
      while (await collector.purgeDeletions()) {
        seen.push(await uses())
        if (seen.length > 1) continue
        // By a clock that is behind the deletion could be taken back still; it is marked.
        expect(await world.db.all`select id from deletions where purge_at > 0`).toEqual([])
        expect((await world.usage('sparse')).documentBytes).toBe(image.bytes.length)
      }
      expect(seen).toEqual([300, 100, 0])
      expect((await world.usage('sparse')).documentBytes).toBe(0)
      await world.collectAll()
      expect(await world.db.all`select * from link_reviews`).toEqual([])
      expect(await findUntruths(world.db)).toEqual([])
    })

    it('of many tags alone goes too, with when they were pulled, unless a tag of that name is there again', async () => {
      const world = await start()
      const pkg = await world.test.push('sparse/app')
      const image = imageOf([randomBytes(10)])
      await putDocument(pkg, image, { tags: ['v1', 'v2'] })
      const id = await packageId(world, 'sparse', 'app')
      const pulls = ['v1', 'v2', image.digest].map((reference) => ({ pkg: id, reference, at: 5 }))
      await world.db.transaction((tx) => savePulls(tx, pulls))
      const removing = await world.test.registry.toDelete(SYSTEM, world.test.name('sparse/app'))
      for (const tag of ['v1', 'v2']) await removing.removeTag(tag)
      await putDocument(pkg, image, { tags: ['v2'] })
      await world.collectAll()
      expect(await world.db.all`select * from deletions`).toEqual([])
      const left = await world.db.all<{ reference: string }>`select reference from pulls order by reference`
      expect(left.map(({ reference }) => reference)).toEqual([image.digest, 'v2'])
    })

    it('leaves what was pushed again meanwhile as it is', async () => {
      const world = await start()
      const pkg = await world.test.push('demo/app')
      const bytes = randomBytes(100)
      const image = imageOf([bytes])
      await pushBytes(pkg, bytes)
      await putDocument(pkg, image, { tags: ['v1'] })
      await world.removeArtifact('demo/app', image.digest)
      await putDocument(pkg, image, { tags: ['v1'] })
      await world.collectAll()
      expect((await (await world.test.push('demo/app')).find('v1'))?.digest).toBe(image.digest)
      expect(await world.usage('demo')).toMatchObject({ blobBytes: 100, documentBytes: image.bytes.length })
      expect(await findUntruths(world.db)).toEqual([])
    })

    it('of the last copy of a manifest takes what was found in it along', async () => {
      const world = await start()
      const image = imageOf([randomBytes(10)])
      for (const name of ['sparse/app', 'sparse/twin']) await putDocument(await world.test.push(name), image)
      await saveFinding(world, image.digest)
      const id = await packageId(world, 'sparse', 'app')
      await world.db.transaction((tx) => savePulls(tx, [{ pkg: id, reference: image.digest, at: 5 }]))
      await world.removeArtifact('sparse/app', image.digest)
      await world.collectAll()
      expect(await world.db.all`select * from pulls`).toEqual([])
      expect(await findScan(world.db, image.digest)).not.toBeNull()
      await world.removeArtifact('sparse/twin', image.digest)
      await world.collect()
      expect(await findScan(world.db, image.digest)).not.toBeNull()
      await world.collectAll()
      expect(await findScan(world.db, image.digest)).toBeNull()
    })
  })
}
