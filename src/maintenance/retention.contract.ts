import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { TestRegistry } from '../../tests/harness/registry.ts'
import { InterruptedDatabase, PausedDatabase, RetentionTrial, rule } from '../../tests/harness/retention-trial.ts'
import { SYSTEM } from '../core/actor.ts'
import type { Digest } from '../core/digest.ts'
import type { Retention } from '../core/repository.ts'
import { planRetention } from './retain.ts'
import type { PreviewLine } from './retention-preview.ts'

/** A database that is shared by all tests begins to answer slowly. */
const PATIENCE_MS = 60_000

function nameOf({ image, tag, digest }: PreviewLine): string {
  return tag === null ? `${image}@${digest}` : `${image}:${tag}`
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** Rules of retention on a real database: what a preview says is what goes. */
export function retentionContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const trial = await RetentionTrial.open(await open())
    opened.push(trial.test)
    return trial
  }

  describe('a preview', () => {
    it.each([1, 2, 3, 4])(
      'lists exactly what a run deletes, and the run leaves nothing to list (%p)',
      async (seed) => {
        const trial = await start()
        const chance = seeded(seed)
        const upTo = (most: number) => Math.floor(chance() * most)
        for (const image of ['a', 'b', 'deep/c']) await fill(trial, image, upTo)
        await trial.set(
          {
            rules: [
              rule({ tags: ['pr-1*'], keepNewest: 2, keepPulledWithinDays: 20 }),
              rule({ images: ['a', 'deep/**'], tags: ['pr-*'], keepSetWithinDays: 30 }),
            ],
            untaggedAfterDays: 14,
            mostPercent: 100,
          },
          { immutableTags: ['pr-3'] },
        )
        const before = await trial.held()
        const lines = await trial.preview()
        for (const limit of [1, 3]) expect(await trial.preview(limit)).toEqual(await trial.preview())
        const report = await trial.run()
        const after = await trial.held()
        const gone = [...before].filter((each) => !after.has(each))
        expect(gone.length).toBeGreaterThan(5)
        expect(lines.map(nameOf).sort()).toEqual(gone.sort())
        expect(report).toMatchObject({ isStopped: false, skipped: 0, warning: null })
        expect(report.planned).toMatchObject({
          deletedTags: report.deletedTags,
          deletedManifests: report.deletedManifests,
        })
        expect(report.deletedTags + report.deletedManifests).toBe(gone.length)
        expect(await trial.preview()).toEqual([])
      },
      PATIENCE_MS,
    )

    async function fill(trial: RetentionTrial, image: string, upTo: (most: number) => number): Promise<void> {
      const digests: Digest[] = []
      const any = () => digests[upTo(digests.length)]
      const sometimes = (often: number, work: () => Promise<unknown>) => (upTo(often) === 0 ? work() : null)
      for (let n = 0; n < 25; n++) {
        const tags = [`pr-${upTo(20)}`, `pr-${upTo(20)}`, `v${n}`].slice(upTo(3), 2 + upTo(2))
        const digest = await trial.push(image, tags, `${image} ${n}`, upTo(4) === 0 ? any() : undefined)
        digests.push(digest)
        const signature = `${digest.replace(':', '-')}.sig`
        await sometimes(4, () => trial.push(image, [signature], `signature ${image} ${n}`))
        await sometimes(5, () => trial.index(image, [`pr-${upTo(20)}`].slice(upTo(2)), digests.slice(-2)))
        await sometimes(3, () => trial.pull(image, any() ?? digest))
        trial.pass(upTo(5))
      }
      await trial.remove(image, ['pr-4', 'pr-5', 'pr-6'])
      trial.pass(12)
    }

    it('says of everything what becomes of it, and why', async () => {
      const trial = await start()
      const lost = await trial.push('app', [], 'lost')
      await trial.push('app', ['pr-1', 'main'])
      trial.pass(120)
      await trial.push('app', ['pr-2'])
      await trial.set({ rules: [rule({ tags: ['pr-*'], keepNewest: 1 })], untaggedAfterDays: 14 })
      const said = (await trial.preview(2, true)).map((line) => [
        line.tag ?? (line.digest === lost ? 'lost' : 'held'),
        line.isDeleted,
        line.reason,
      ])
      expect(said.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
        ['held', false, expect.stringMatching(/^the tag (main|pr-2) points at it$/)],
        ['held', false, expect.stringMatching(/^the tag (main|pr-2) points at it$/)],
        ['lost', true, 'no tag, index or subject needs it: pushed 120 days ago, untagged manifests stay 14 days'],
        ['main', false, 'no rule speaks of it'],
        ['pr-1', true, 'not one of the 1 newest of pr-*; set 120 days ago'],
        ['pr-2', false, 'one of the 1 newest of pr-*'],
      ])
    })
  })

  describe('a run', () => {
    it('deletes a tag and neither the other tag of its manifest nor the manifest', async () => {
      const trial = await start()
      const digest = await trial.push('app', ['old', 'stays'])
      trial.pass(30)
      await trial.set({ rules: [rule({ tags: ['old'], keepSetWithinDays: 7 })], untaggedAfterDays: 1 })
      expect(await trial.run()).toMatchObject({ deletedTags: 1, deletedManifests: 0 })
      expect(await trial.tags()).toEqual(['stays'])
      expect((await (await trial.test.push('demo/app')).find(digest))?.digest).toBe(digest)
    })

    it('lets a manifest wait from when its last tag left it, and while that can be brought back', async () => {
      const trial = await start()
      const digest = await trial.push('app', ['v1'])
      trial.pass(300)
      await trial.push('app', ['v1'], 'second')
      await trial.set({ untaggedAfterDays: 14, mostPercent: 100 })
      trial.pass(13)
      expect(await trial.preview()).toEqual([])
      trial.pass(2)
      expect((await trial.preview()).map((line) => line.digest)).toEqual([digest])
      const second = (await (await trial.test.push('demo/app')).find('v1'))?.digest
      await trial.set({ rules: [rule({ keepNewest: 0 })], untaggedAfterDays: 1, mostPercent: 100 })
      expect(await trial.run()).toMatchObject({ deletedTags: 1, deletedManifests: 1 })
      trial.pass(2)
      const [line] = await trial.preview(10, true)
      expect(line).toMatchObject({
        digest: second,
        isDeleted: false,
        reason: 'the tag v1 was deleted, and can still be brought back',
      })
    })

    it('keeps what an index needs, also one that was deleted and can be brought back', async () => {
      const trial = await start()
      const children = [await trial.push('app', [], 'one'), await trial.push('app', [], 'two')]
      const index = await trial.index('app', ['v1'], children)
      trial.pass(30)
      await trial.set({ untaggedAfterDays: 7, mostPercent: 100 })
      expect(await trial.preview()).toEqual([])
      await trial.push('app', ['v1'], 'other')
      trial.pass(8)
      expect((await trial.preview()).map((line) => line.digest)).toEqual([index])
      expect(await trial.run()).toMatchObject({ deletedManifests: 1 })
      const reasons = (await trial.preview(10, true)).filter((line) => children.includes(line.digest as Digest))
      expect(reasons.map(({ reason }) => reason)).toEqual(
        children.map(() => `the index ${index} was deleted, and can still be brought back`),
      )
    })

    it('takes referrers along with their subject, and never judges them alone', async () => {
      const trial = await start()
      const subject = await trial.push('app', [], 'subject')
      const signature = await trial.push('app', [], 'signature', subject)
      const about = await trial.push('app', [], 'about the signature', signature)
      const tag = `${subject.replace(':', '-')}.sig`
      const cosigned = await trial.push('app', [tag], 'cosign')
      const other = await trial.push('app', ['v1'], 'living')
      await trial.push('app', [], 'its signature', other)
      await trial.push('app', [`${other.replace(':', '-')}.att`], 'its attestation')
      trial.pass(30)
      await trial.set({ rules: [rule({ tags: ['sha256-*'], keepNewest: 0 })], untaggedAfterDays: 7, mostPercent: 100 })
      const expected = [subject, signature, about, cosigned].map((digest) => `app@${digest}`)
      expect((await trial.preview()).map(nameOf).sort()).toEqual([...expected, `app:${tag}`].sort())
      const before = await trial.held()
      await trial.run()
      const after = await trial.held()
      expect([...before].filter((each) => !after.has(each)).sort()).toEqual([...expected, `app:${tag}`].sort())
    })

    it('keeps a manifest when a tag or an index that stays needs what would go with it', async () => {
      const trial = await start()
      const [one, two, three] = [
        await trial.push('app', [], 'one'),
        await trial.push('app', [], 'two'),
        await trial.push('app', [], 'three'),
      ]
      await trial.push('app', ['bill-of-material'], 'tagged', one)
      await trial.index('app', ['list'], [await trial.push('app', [], 'listed', two)])
      await trial.push('app', [`${three.replace(':', '-')}.sig`], 'signature')
      trial.pass(30)
      await trial.set({ untaggedAfterDays: 7, mostPercent: 100 }, { immutableTags: ['sha256-*'] })
      expect(await trial.preview()).toEqual([])
      const reasons = (await trial.preview(50, true)).filter(({ digest }) =>
        [one, two, three].includes(digest as Digest),
      )
      expect(reasons.map(({ digest, reason }) => [digest, reason]).sort()).toEqual(
        [
          [one, expect.stringContaining('the tag bill-of-material points at that')],
          [two, expect.stringContaining('would go with it, and belongs to')],
          [three, expect.stringContaining('would go with it, and is immutable')],
        ].sort(),
      )
      expect(await trial.run()).toMatchObject({ deletedTags: 0, deletedManifests: 0, skipped: 0 })
    })

    it('keeps a tag that is pulled, and a manifest that is pulled by digest', async () => {
      const trial = await start()
      const lost = await trial.push('app', [], 'lost')
      for (const tag of ['a', 'b']) await trial.push('app', [tag])
      trial.pass(30)
      await trial.pull('app', 'a')
      await trial.pull('app', lost)
      await trial.set({ rules: [rule({ keepPulledWithinDays: 10 })], untaggedAfterDays: 10 })
      expect((await trial.preview()).map(nameOf)).toEqual(['app:b'])
    })

    it('can be taken back: what it deletes stands among what is deleted, each alone', async () => {
      const trial = await start()
      for (const tag of ['a', 'b', 'c']) await trial.push('app', [tag])
      trial.pass(30)
      await trial.set({ rules: [rule({ keepNewest: 1 })], mostPercent: 100 })
      await trial.run()
      const rows = await trial.db.all<{ reason: string; deleted_by: string; tags: number }>`
        select reason, deleted_by, (select count(*) from deleted_tags t where t.deletion_id = d.id) as tags
        from deletions d`
      expect(rows).toEqual([
        { reason: 'retention', deleted_by: SYSTEM.name, tags: 1 },
        { reason: 'retention', deleted_by: SYSTEM.name, tags: 1 },
      ])
    })
  })

  describe('the guard', () => {
    it('stops a run that would delete more than the set share, until it is forced', async () => {
      const trial = await start()
      for (let n = 0; n < 20; n++) await trial.push('app', [`pr-${n}`], 'one and the same')
      trial.pass(30)
      await trial.set({ rules: [rule({ keepNewest: 9 })], mostPercent: 50 })
      const before = await trial.held()
      const stopped = await trial.run()
      expect(stopped).toMatchObject({ isStopped: true, deletedTags: 0 })
      expect(stopped.warning).toContain('11 of 20 tags')
      expect(await trial.held()).toEqual(before)
      const { id, settings } = await trial.repository()
      expect((await planRetention(trial.db, id, settings, trial.test.auth.now())).warning).toBe(stopped.warning)
      expect(await trial.run({ isForced: true })).toMatchObject({ isStopped: false, deletedTags: 11, warning: null })
      expect((await trial.tags()).length).toBe(9)
    })

    it('lets a few go, whatever share they are', async () => {
      const trial = await start()
      for (let n = 0; n < 10; n++) await trial.push('app', [`pr-${n}`], 'one and the same')
      trial.pass(30)
      await trial.set({ rules: [rule({ keepNewest: 0 })], mostPercent: 1 })
      expect(await trial.run()).toMatchObject({ isStopped: false, deletedTags: 10 })
    })

    it('also stops a run in the middle, when more goes than was counted', async () => {
      const trial = await start()
      for (let n = 0; n < 30; n++) await trial.push('a', [`pr-${n}`], 'one and the same')
      trial.pass(30)
      for (let n = 0; n < 30; n++) await trial.push('b', [`pr-${n}`], 'one and the same')
      await trial.set({ rules: [rule({ tags: ['pr-*'], keepSetWithinDays: 7 })], mostPercent: 60 })
      // No tag does, but what is pushed can push others out of the newest.
      const ageing = () =>
        trial.db.transaction(
          (tx) => tx.run`
            update tags set updated_at = 0 where package_id = (select id from packages where name = 'b')`,
        )
      const report = await trial.run({ db: new InterruptedDatabase(trial.db, ageing) })
      expect(report).toMatchObject({ isStopped: true, planned: { deletedTags: 30 } })
      expect(report.deletedTags).toBeLessThanOrEqual(36)
      expect((await trial.tags('b')).length).toBe(30)
    })
  })

  describe('while a run is under way', () => {
    const prepared = async (retention: Partial<Retention>) => {
      const trial = await start()
      const digest = await trial.push('app', ['old'])
      const untagged = await trial.push('app', [], 'untagged')
      trial.pass(30)
      await trial.set({ mostPercent: 100, ...retention })
      return { trial, digest, untagged }
    }
    const TAGS = { rules: [rule({ tags: ['old'], keepSetWithinDays: 7, keepPulledWithinDays: 7 })] }
    const UNTAGGED = { untaggedAfterDays: 7 }

    it('a tag that a push moves stays', async () => {
      const { trial } = await prepared(TAGS)
      const push = () => trial.push('app', ['old'], 'new')
      expect(await trial.run({ db: new InterruptedDatabase(trial.db, push) })).toMatchObject({
        deletedTags: 0,
        skipped: 1,
      })
      expect(await trial.tags()).toEqual(['old'])
    })

    it('a tag that is set again to the same manifest stays, and so does one that is pulled', async () => {
      const { trial } = await prepared(TAGS)
      const again = () => trial.push('app', ['old'])
      expect(await trial.run({ db: new InterruptedDatabase(trial.db, again) })).toMatchObject({ skipped: 1 })
      trial.pass(30)
      const pull = () => trial.pull('app', 'old')
      expect(await trial.run({ db: new InterruptedDatabase(trial.db, pull) })).toMatchObject({ skipped: 1 })
      expect(await trial.tags()).toEqual(['old'])
    })

    it.each([
      [
        'gets a tag',
        (trial: RetentionTrial, digest: Digest) => trial.push('app', ['new'], 'untagged', undefined).then(() => digest),
      ],
      [
        'is pushed again',
        (trial: RetentionTrial, digest: Digest) => trial.push('app', [], 'untagged').then(() => digest),
      ],
      ['is pulled', (trial: RetentionTrial, digest: Digest) => trial.pull('app', digest)],
      ['gets a signature', (trial: RetentionTrial, digest: Digest) => trial.push('app', [], 'signature', digest)],
      ['is listed by an index', (trial: RetentionTrial, digest: Digest) => trial.index('app', [], [digest])],
      [
        'gets a referrer that has a tag',
        (trial: RetentionTrial, digest: Digest) => trial.push('app', ['about'], 'about', digest),
      ],
    ])('a manifest that %s stays', async (_what, meanwhile) => {
      const { trial, untagged } = await prepared(UNTAGGED)
      expect((await trial.preview()).map((line) => line.digest)).toEqual([untagged])
      const report = await trial.run({ db: new InterruptedDatabase(trial.db, () => meanwhile(trial, untagged)) })
      expect(report).toMatchObject({ deletedManifests: 0, skipped: 1 })
      expect((await trial.held()).has(`app@${untagged}`)).toBe(true)
    })

    it('a manifest stays that an index lists whose push is not over yet', async () => {
      const { trial, untagged } = await prepared(UNTAGGED)
      const reached = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const db = new PausedDatabase(trial.db, 'insert into artifact_children', () => {
        reached.resolve()
        return gate.promise
      })
      const test = await TestRegistry.open(db)
      opened.push(test)
      const pushing = new RetentionTrial(test, db).index('app', [], [untagged])
      await reached.promise
      const running = trial.run()
      // It comes to where it has to wait.
      await Bun.sleep(300)
      gate.resolve()
      await pushing
      expect(await running).toMatchObject({ deletedManifests: 0 })
      expect((await trial.held()).has(`app@${untagged}`)).toBe(true)
    })

    it('changed rules end it, so that what they keep stays', async () => {
      const { trial } = await prepared(TAGS)
      const change = () => trial.set({ rules: [] })
      const report = await trial.run({ db: new InterruptedDatabase(trial.db, change) })
      expect(report).toMatchObject({ isStopped: true, deletedTags: 0 })
      expect(report.warning).toContain('were changed during the run')
    })

    it('pushes and deletions go on, and nothing that was pushed is lost', async () => {
      const { trial } = await prepared({
        rules: [rule({ tags: ['pr-*'], keepSetWithinDays: 7 })],
        untaggedAfterDays: 7,
      })
      for (let n = 0; n < 40; n++) await trial.push('app', [`pr-${n}`])
      trial.pass(30)
      const pushed = Array.from({ length: 40 }, async (_, n) => {
        await Bun.sleep(n)
        // Held manifests go at this moment, and a push of one of them is asked to come again.
        for (;;) {
          try {
            return await trial.push('app', [`pr-${n}`], `pr-${n % 2 === 0 ? n : `${n} new`}`)
          } catch {
            await Bun.sleep(1)
          }
        }
      })
      const [report, digests] = await Promise.all([trial.run(), Promise.all(pushed)])
      expect(report.isStopped).toBe(false)
      const held = await trial.held()
      for (const [n, digest] of digests.entries()) {
        expect([held.has(`app:pr-${n}`), held.has(`app@${digest}`)]).toEqual([true, true])
      }
    })
  })
}
