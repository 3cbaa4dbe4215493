import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { EMPTY, fallbackTag, indexOf, living, openPast, plain, trash } from '../../tests/harness/past.ts'
import { parseDigest } from '../core/digest.ts'
import type { RepositorySettings } from '../core/repository.ts'
import type { Database } from '../storage/database.ts'

const MANY = 10_000
/** All but the last seven characters of the digests that are made up. */
const ZEROES = `sha256:${'0'.repeat(57)}`
const DOCUMENT = new TextEncoder().encode('{}')

/** The digest with a number. */
function numbered(at: number) {
  return parseDigest(`${ZEROES}${1_000_000 + at}`)
}

/** Makes artifacts with numbers from 1 on: each about the one before it (a chain), or all about number 0 (a star). */
async function pushMany(db: Database, shape: 'chain' | 'star', count = MANY): Promise<void> {
  const step = shape === 'chain' ? 1 : 0
  await db.transaction(async (tx) => {
    await tx.run`
      insert into artifacts (package_id, digest, media_type, artifact_type, subject, annotations, size, document,
                             pushed_at, pushed_by)
      with recursive numbers (i) as (select 0 union all select i + 1 from numbers where i < ${count})
      select (select min(id) from packages), ${ZEROES} || cast(1000000 + i as text), 'application/x', null,
        case when i = 0 then null else ${ZEROES} || cast(1000000 + (i - 1) * ${step} as text) end,
        null, 2, ${DOCUMENT}, 0, 'somebody' from numbers`
    await tx.run`
      update repository_usage set document_bytes = (select cast(sum(size) as bigint) from artifacts)`
  })
}

/** What somebody may build to keep the registry busy, or to make it delete what is not theirs. */
export function pastAttacksContract(open: OpenDatabase): void {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (settings: Partial<RepositorySettings> = {}) => {
    const ground = await openPast(await open(), settings)
    opened.push(ground.test)
    return ground
  }

  describe('deleting', () => {
    it.each(['chain', 'star'] as const)(
      'takes a %s of ten thousand referrers along, and brings it back',
      async (shape) => {
        const { db, put, remove, restore } = await start()
        await put(plain('other'), 'other')
        await pushMany(db, shape)
        const before = await living(db)
        const begun = performance.now()
        expect(await remove.removeArtifact(numbered(0))).toBe(true)
        const deletedMs = performance.now() - begun
        expect(await trash(db)).toEqual([1, MANY + 1, 0, 0, 0])
        expect(await restore.undelete(numbered(MANY))).toMatchObject({ manifestCount: MANY + 1 })
        const restoredMs = performance.now() - begun - deletedMs
        expect([await living(db), await trash(db)]).toEqual([before, EMPTY])
        // Well below a second; what grows with the square of their number takes half a minute.
        expect([deletedMs, restoredMs].filter((ms) => ms > 5_000)).toEqual([])
      },
      90_000,
    )

    it('ends where fallback tags speak of one another in a circle', async () => {
      const { db, put, remove, restore, finds } = await start()
      const [a, b] = [plain('a'), plain('b')]
      await put(a, `${fallbackTag(b)}.sig`, fallbackTag(a))
      await put(b, `${fallbackTag(a)}.sig`)
      const before = await living(db)
      await remove.removeArtifact(a.digest)
      expect(await finds(a.digest, b.digest, fallbackTag(a))).toEqual([false, false, false])
      await restore.undelete(b.digest)
      expect([await living(db), await trash(db)]).toEqual([before, EMPTY])
    })

    it('follows fallback tags of fallback tags a bounded way, and leaves the rest whole', async () => {
      const { db, put, remove, restore } = await start()
      const links = Array.from({ length: 100 }, (_, at) => plain(`${at}`))
      await put(links[0]!)
      for (const [at, link] of links.slice(1).entries()) await put(link, `${fallbackTag(links[at]!)}.sig`)
      const before = await living(db)
      await remove.removeArtifact(links[0]!.digest)
      const left = await db.all`
        select name from tags t where not exists (
          select 1 from artifacts a where a.package_id = t.package_id and a.digest = t.digest)`
      expect(left).toEqual([])
      await restore.undelete(links[0]!.digest)
      expect(await living(db)).toEqual(before)
    })

    it('takes nothing along for a tag alone that something else needs', async () => {
      const { put, image, remove, finds } = await start()
      const [base, child, subject] = [await image(), await image(), await image()]
      const about = await image(subject)
      const index = plain('index', subject)
      for (const one of [base, subject]) await put(one, `tag-${one.digest.slice(7, 17)}`)
      await put(child, `${fallbackTag(base)}.att`)
      await put(about, `${fallbackTag(base)}.sig`)
      await put(index, `${fallbackTag(base)}.sbom`, 'named')
      await put(indexOf([child]), 'list')
      await remove.removeArtifact(base.digest)
      expect(await finds(child.digest, about.digest, index.digest, subject.digest, 'named')).toEqual(
        Array(5).fill(true),
      )
      expect(await finds(`${fallbackTag(base)}.att`, `${fallbackTag(base)}.sig`)).toEqual([false, false])
    })

    it('costs the same in an image with a hundred thousand tags', async () => {
      const immutableTags = ['never-*']
      const [small, large] = [await start({ immutableTags }), await start({ immutableTags })]
      await large.put(plain('other'), 'other')
      await pushMany(large.db, 'star', 100_000)
      await large.db.transaction(
        (tx) => tx.run`
          insert into tags (package_id, name, digest, media_type, updated_at)
          select package_id, 't' || substr(digest, 8), digest, media_type, 0 from artifacts where subject is not null`,
      )
      const took: { small: number[]; large: number[] } = { small: [], large: [] }
      const images = { small: await small.image(), large: await large.image() }
      for (let round = 0; round < 7; round++) {
        for (const [size, { put, remove, restore }] of [
          ['small', small],
          ['large', large],
        ] as const) {
          await put(images[size], 'v1')
          await put(indexOf([images[size]]), 'list')
          const begun = performance.now()
          await remove.removeTag('v1')
          await remove.removeArtifact(images[size].digest)
          await restore.undelete('v1')
          await restore.purge(null)
          took[size].push(performance.now() - begun)
        }
      }
      // The fastest of each: the machine may have other work.
      const [least, most] = [Math.min(...took.small), Math.min(...took.large)]
      expect(most).toBeLessThan(5 * least + 20)
    }, 90_000)
  })
}
