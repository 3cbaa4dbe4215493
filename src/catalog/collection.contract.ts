import { afterEach, describe, expect, it } from 'bun:test'
import { Collecting, imageOf } from '../../tests/harness/collecting.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { pushBytes, putDocument } from '../../tests/harness/registry.ts'
import { findUntruths } from '../../tests/harness/truth.ts'
import { randomBytes } from '../../tests/protocol/samples.ts'
import { digestOf } from '../core/digest.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { saveBlob, touchBlobs } from './blobs.ts'
import { dropUsedReviews, type LinkReview, settleReviews } from './collection.ts'
import { findPackage } from './packages.ts'
import { purgeStep } from './purge.ts'

/** Does something in a transaction, and keeps it open until it is told to commit. */
async function heldOpen(db: Database, work: (tx: Transaction) => Promise<unknown>): Promise<() => Promise<void>> {
  const done = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const whole = db.transaction(async (tx) => {
    await work(tx)
    done.resolve()
    await end.promise
  })
  whole.catch(done.reject)
  await done.promise
  return async () => {
    end.resolve()
    await whole
  }
}

/** Two that meet at one row at the worst moment, each order by itself; `tests/torture` has them in all others. */
export function collectionContract(open: OpenDatabase): void {
  const opened: Collecting[] = []
  afterEach(async () => {
    for (const { test } of opened.splice(0)) await test.close()
  })
  /** A deleted image whose time is over, at a moment of the clock that everything in these tests shares. */
  const start = async () => {
    const db = await open()
    const world = await Collecting.open(db)
    opened.push(world)
    const pkg = await world.test.push('demo/app')
    const bytes = randomBytes(100)
    const digest = await pushBytes(pkg, bytes)
    const image = imageOf([bytes])
    await putDocument(pkg, image)
    const packageId = (await findPackage(db, (await world.test.directory.find('demo'))!.id, 'app'))!
    const now = world.test.auth.now() + 1_000
    const giveUp = async () => {
      await world.removeArtifact('demo/app', image.digest)
      await db.transaction((tx) => tx.run`update deletions set purge_at = 1`)
    }
    const review: LinkReview = { package_id: packageId, digest, queued_at: now }
    const queue = () => db.transaction((tx) => tx.run`update link_reviews set queued_at = ${now}`)
    return { db, world, packageId, digest, image, now, giveUp, review, queue }
  }
  const reviewsOf = async (db: Database) => (await db.all`select digest from link_reviews`).length

  /** Lets the second begin while the first is open; it waits, or it sees nothing of the first. */
  const during = async <T>(commit: () => Promise<void>, second: Promise<T>): Promise<T> => {
    await Bun.sleep(50)
    await commit()
    return second
  }

  describe('a review', () => {
    it('finds a link in use whose only use is deleted and can be brought back', async () => {
      const { db, world, image, now, review, queue } = await start()
      await world.removeArtifact('demo/app', image.digest)
      await queue()
      const { reviewed, hidden } = await db.transaction((tx) =>
        settleReviews(tx, review.package_id, [review.digest], now, now),
      )
      expect([reviewed, hidden, await reviewsOf(db), await findUntruths(db)]).toEqual([1, 0, 0, []])
    })

    it('that a purge has just written is not dropped for the use that it takes away', async () => {
      const { db, now, giveUp, review, queue } = await start()
      await giveUp()
      await queue()
      const commit = await heldOpen(db, (tx) => purgeStep(tx, now))
      await during(
        commit,
        db.transaction((tx) => dropUsedReviews(tx, review.package_id, [review.digest])),
      )
      expect([await findUntruths(db), await reviewsOf(db)]).toEqual([[], 1])
    })

    it('is not settled on the use that a purge is taking away', async () => {
      const { db, now, giveUp, review, queue } = await start()
      await giveUp()
      await queue()
      const commit = await heldOpen(db, (tx) => purgeStep(tx, now))
      const settled = await during(
        commit,
        db.transaction((tx) => settleReviews(tx, review.package_id, [review.digest], now, now)),
      )
      expect([settled.condemned, await findUntruths(db)]).toEqual([[100], []])
    })

    it('of a blob that had gone is not dropped for a push of the same at this moment', async () => {
      const { db, world, packageId, digest, image, now, review } = await start()
      await world.removeArtifact('demo/app', image.digest)
      await world.collectAll()
      await db.transaction(
        (tx) => tx.run`insert into link_reviews (package_id, digest, queued_at) values (${packageId}, ${digest}, 1)`,
      )
      const blob = { digest, size: 100, location: 'elsewhere' }
      const commit = await heldOpen(db, (tx) => saveBlob(tx, packageId, blob, now))
      await during(
        commit,
        db.transaction((tx) => settleReviews(tx, review.package_id, [review.digest], now, now)),
      )
      expect(await findUntruths(db)).toEqual([])
    })
  })

  describe('a manifest', () => {
    it('does not count on a blob that was made while it looked for it', async () => {
      const db = await open()
      // Where one writes at a time nothing can be made in between.
      if (db.engine === 'sqlite') return
      const world = await Collecting.open(db)
      opened.push(world)
      const pkg = await world.test.push('demo/app')
      await pushBytes(pkg, randomBytes(10))
      const packageId = (await findPackage(db, (await world.test.directory.find('demo'))!.id, 'app'))!
      const bytes = randomBytes(100)
      const digest = digestOf(bytes)
      // Begun out here, as somebody else's push that knows nothing of the transaction.
      const now = Promise.withResolvers<void>()
      const pushed = now.promise.then(() => pushBytes(pkg, bytes))
      let statements = 0
      const found = await db.transaction((tx) => {
        const all: Transaction['all'] = async (strings, ...parts) => {
          if (++statements === 2) {
            now.resolve()
            await pushed
          }
          return tx.all(strings, ...parts)
        }
        return touchBlobs({ all, first: tx.first.bind(tx), run: tx.run.bind(tx) }, packageId, [digest], 5)
      })
      expect([...found]).toEqual([])
      expect(await world.isVisible('demo/app', digest)).toBe(true)
    })
  })
}
