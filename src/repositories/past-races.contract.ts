import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { EMPTY, fallbackTag, living, openPast, plain, trash } from '../../tests/harness/past.ts'
import { type Pause, PausingDatabase } from '../../tests/harness/pausing-database.ts'
import { putDocument } from '../../tests/harness/registry.ts'
import { purgeStep } from '../catalog/purge.ts'
import type { Database } from '../storage/database.ts'

const ROUNDS = 8
/** Real races on a loaded machine take their time, in milliseconds. */
const PATIENCE_MS = 60_000

/** Purges everything that is given up, as the collector does. */
async function purgeAll(db: Database, now: number): Promise<void> {
  while (await db.transaction((tx) => purgeStep(tx, now)));
}

/** Deleting, taking back, purging and pushing at once: the outcome is that of some order. */
export function pastRacesContract(open: OpenDatabase): void {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const ground = await openPast(await open())
    opened.push(ground.test)
    return ground
  }

  /** Holds a deletion before a statement until a push is done, or as long as the push waits for the deletion. */
  const pushBetween = async (
    { reached, resume }: Pause,
    removing: () => Promise<boolean>,
    pushing: () => Promise<unknown>,
  ) => {
    const removed = removing()
    await reached
    const pushed = pushing()
    await Promise.race([pushed, Bun.sleep(300)])
    resume()
    expect(await removed).toBe(true)
    await pushed
  }

  describe('in the middle of deleting', () => {
    it('a push keeps what only a fallback tag had', async () => {
      const pausing = new PausingDatabase(await open())
      const ground = await openPast(pausing)
      opened.push(ground.test)
      const [base, sig] = [await ground.image(), plain('sig')]
      await ground.put(base, 'v1')
      await ground.put(sig, `${fallbackTag(base)}.sig`)
      await pushBetween(
        pausing.pauseBefore('delete from artifacts', 1),
        () => ground.remove.removeArtifact(base.digest),
        async () => putDocument(await ground.test.push('demo/app'), sig, { tags: ['kept'] }),
      )
      expect(await ground.finds('v1', `${fallbackTag(base)}.sig`, 'kept', sig.digest)).toEqual([
        false,
        false,
        true,
        true,
      ])
    })

    it('a push that moves a tag away takes it out of the deletion', async () => {
      const pausing = new PausingDatabase(await open())
      const ground = await openPast(pausing)
      opened.push(ground.test)
      const [base, other] = [await ground.image(), await ground.image()]
      await ground.put(plain('other'), 'stays')
      await ground.put(base, 'moving', 'v1')
      await pushBetween(
        pausing.pauseBefore('delete from tags'),
        () => ground.remove.removeArtifact(base.digest),
        async () => putDocument(await ground.test.push('demo/app'), other, { tags: ['moving'] }),
      )
      expect((await ground.pkg.find('moving'))?.digest).toBe(other.digest)
      expect((await ground.past.history('moving', { limit: 1 })).items[0]?.digest).toBe(other.digest)
      const restored = await ground.restore.undelete(base.digest)
      expect(restored.tags).toEqual(['v1'])
      expect((await ground.pkg.find('moving'))?.digest).toBe(other.digest)
      const lines = (await ground.past.history('moving', { limit: 10 })).items.map(({ digest }) => digest)
      expect([
        [other.digest, base.digest],
        [other.digest, null, base.digest],
      ]).toContainEqual(lines)
    })
  })

  describe('at the same moment', () => {
    it(
      'a push of what is being deleted succeeds, and what it was told is there afterwards or was deleted',
      async () => {
        const { test, db, pkg, remove, restore, put, image, finds } = await start()
        for (let round = 0; round < ROUNDS; round++) {
          const one = await image()
          await put(one, 'old')
          const [pushed, removed] = await Promise.all([
            failureCode(putDocument(await test.push('demo/app'), one, { tags: ['new'] })),
            remove.removeArtifact(one.digest),
          ])
          expect([pushed, removed]).toEqual(['no error', true])
          const isAfter = (await pkg.find(one.digest)) !== null
          expect(await finds('old', 'new')).toEqual([false, isAfter])
          await restore.undelete('old')
          expect(await finds('old', 'new', one.digest)).toEqual([true, true, true])
          expect(await trash(db)).toEqual(EMPTY)
          await checkUsage(db)
          await remove.removeArtifact(one.digest)
          await restore.purge(null)
          await purgeAll(db, test.auth.now())
        }
      },
      PATIENCE_MS,
    )

    it(
      'a referrer that is pushed while its subject is deleted lives, or went along; undeleting gives both',
      async () => {
        const { test, db, pkg, remove, restore, put, image, finds } = await start()
        for (let round = 0; round < ROUNDS; round++) {
          const base = await image()
          const signature = await image(base)
          const sig = plain(`sig ${round}`)
          await put(base, 'v1')
          const [first, second, removed] = await Promise.all([
            failureCode(putDocument(await test.push('demo/app'), signature)),
            failureCode(putDocument(await test.push('demo/app'), sig, { tags: [`${fallbackTag(base)}.sig`] })),
            remove.removeArtifact(base.digest),
          ])
          expect([first, second, removed]).toEqual(['no error', 'no error', true])
          const tagged = await pkg.find(`${fallbackTag(base)}.sig`)
          expect(tagged === null).toBe((await pkg.find(sig.digest)) === null)
          await restore.undelete('v1')
          expect(await finds('v1', signature.digest, `${fallbackTag(base)}.sig`)).toEqual([true, true, true])
          expect(await trash(db)).toEqual(EMPTY)
          await checkUsage(db)
          await remove.removeArtifact(base.digest)
          await restore.purge(null)
          await purgeAll(db, test.auth.now())
        }
      },
      PATIENCE_MS,
    )

    it(
      'of many who take the same back one does, and nothing is doubled',
      async () => {
        const { db, remove, restore, put, image } = await start()
        for (let round = 0; round < ROUNDS; round++) {
          const base = await image()
          await put(base, `v${round}`)
          await put(await image(base))
          const before = await living(db)
          await remove.removeArtifact(base.digest)
          const codes = await Promise.all(
            Array.from({ length: 4 }, (_, at) => failureCode(restore.undelete(at % 2 ? base.digest : `v${round}`))),
          )
          expect(codes.toSorted()).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'no error'])
          expect([await living(db), await trash(db)]).toEqual([before, EMPTY])
        }
      },
      PATIENCE_MS,
    )

    it(
      'taking back and purging end with all of it or nothing',
      async () => {
        const { test, db, remove, restore, put, image, finds } = await start()
        for (let round = 0; round < ROUNDS; round++) {
          const base = await image()
          const signatures = await Promise.all(Array.from({ length: 10 }, () => image(base)))
          await put(base, `v${round}`)
          for (const signature of signatures) await put(signature)
          await remove.removeArtifact(base.digest)
          const [undeleted, purged] = await Promise.all([
            failureCode(restore.undelete(`v${round}`)),
            restore.purge(base.digest).then(async (count) => {
              await purgeAll(db, test.auth.now())
              return count
            }),
          ])
          const isBack = undeleted === 'no error'
          expect([undeleted, purged]).toEqual(isBack ? ['no error', 0] : ['NOT_FOUND', 1])
          const digests = [base, ...signatures].map(({ digest }) => digest)
          expect(new Set(await finds(`v${round}`, ...digests))).toEqual(new Set([isBack]))
          expect(await trash(db)).toEqual(EMPTY)
          await checkUsage(db)
        }
      },
      PATIENCE_MS,
    )

    it(
      'taking back and pushing the same make one artifact, and its room is counted once',
      async () => {
        const { test, db, remove, restore, put, image, finds } = await start()
        for (let round = 0; round < ROUNDS; round++) {
          const one = await image()
          await put(one, `old${round}`)
          await remove.removeArtifact(one.digest)
          const [pushed, undeleted] = await Promise.all([
            failureCode(putDocument(await test.push('demo/app'), one, { tags: [`new${round}`] })),
            failureCode(restore.undelete(`old${round}`)),
          ])
          expect([pushed, undeleted]).toEqual(['no error', 'no error'])
          expect(await finds(one.digest, `old${round}`, `new${round}`)).toEqual([true, true, true])
          await checkUsage(db)
        }
      },
      PATIENCE_MS,
    )

    it(
      'many deletions and restorations of the same few things leave every row where it belongs',
      async () => {
        const { test, db, remove, restore, retag, put, image } = await start()
        const base = await image()
        const signature = await image(base)
        const sig = plain('sig')
        const push = async () => {
          const pkg = await test.push('demo/app')
          await putDocument(pkg, base, { tags: ['a', 'b'] })
          await putDocument(pkg, signature)
          await putDocument(pkg, sig, { tags: [`${fallbackTag(base)}.sig`] })
        }
        await push()
        const steps: (() => Promise<unknown>)[] = [
          push,
          () => remove.removeArtifact(base.digest),
          () => remove.removeArtifact(signature.digest),
          () => remove.removeTag('a'),
          () => restore.undelete('a'),
          () => restore.undelete(signature.digest),
          () => retag.moveTag('b', base.digest),
          () => restore.purge('b').then(() => purgeAll(db, test.auth.now())),
        ]
        const walk = async () => {
          for (let step = 0; step < 25; step++) {
            const code = await failureCode(steps[Math.floor(Math.random() * steps.length)]!())
            expect(['no error', 'NOT_FOUND', 'MANIFEST_UNKNOWN', 'CONFLICT']).toContain(code)
          }
        }
        await Promise.all([walk(), walk(), walk()])
        await push()
        const dangling = await db.all`
        select name from tags t where not exists (
          select 1 from artifacts a where a.package_id = t.package_id and a.digest = t.digest)`
        const doubled = await db.all`
        select d.name from deleted_tags d join deleted_tags e on e.deletion_id = d.deletion_id and e.name = d.name
        group by d.deletion_id, d.name having count(*) > 1`
        expect([dangling, doubled]).toEqual([[], []])
        await checkUsage(db)
        await put(sig)
      },
      PATIENCE_MS,
    )
  })
}

/** What a repository is charged for documents is what lives and what can be brought back. */
async function checkUsage(db: Database): Promise<void> {
  const [used, living, deleted] = await Promise.all([
    db.first<{ bytes: number }>`select cast(sum(document_bytes) as bigint) as bytes from repository_usage`,
    db.first<{ bytes: number }>`select cast(coalesce(sum(size), 0) as bigint) as bytes from artifacts`,
    db.first<{ bytes: number }>`select cast(coalesce(sum(size), 0) as bigint) as bytes from deleted_artifacts`,
  ])
  expect(used?.bytes).toBe((living?.bytes ?? 0) + (deleted?.bytes ?? 0))
}
