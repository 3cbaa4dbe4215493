import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { EMPTY, fallbackTag, indexOf, living, MANIFEST, openPast, plain, trash } from '../../tests/harness/past.ts'
import { purgeStep } from '../catalog/purge.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import type { RepositorySettings } from '../core/repository.ts'

const DAY_MS = 86_400_000

/** What was deleted comes back, and tags have a past. */
export function pastContract(open: OpenDatabase): void {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (settings: Partial<RepositorySettings> = {}) => {
    const ground = await openPast(await open(), settings)
    opened.push(ground.test)
    return ground
  }

  describe('a deleted manifest', () => {
    it('comes back as it was, with its tags, by any of them or by its digest', async () => {
      for (const by of ['v1', 'latest', 'digest'] as const) {
        const { db, remove, restore, put, image, finds } = await start()
        const one = await image()
        await put(one, 'v1', 'latest')
        const before = await living(db)
        expect(await remove.removeArtifact(one.digest)).toBe(true)
        expect(await finds('v1', 'latest', one.digest)).toEqual([false, false, false])
        expect(await remove.removeArtifact(one.digest)).toBe(false)
        const restored = await restore.undelete(by === 'digest' ? one.digest : by)
        expect(restored).toEqual({
          manifests: [one.digest],
          manifestCount: 1,
          tags: ['latest', 'v1'],
          tagCount: 2,
          elsewhere: [],
          stray: [],
        })
        expect(await living(db)).toEqual(before)
        expect(await trash(db)).toEqual(EMPTY)
        expect(await failureCode(restore.undelete('v1'))).toBe('NOT_FOUND')
      }
    })

    it('takes its referrers, their referrers and its fallback tags along, and brings them back', async () => {
      const { db, remove, restore, put, image, finds } = await start()
      const base = await image()
      const signature = await image(base)
      const countersignature = await image(signature)
      const stranger = await image()
      const [sig, att, list] = [plain('sig'), plain('att'), plain('list')]
      const tag = fallbackTag(base)
      await put(base, 'v1')
      await put(signature)
      await put(countersignature, 'counter')
      await put(sig, `${tag}.sig`)
      await put(att, `${tag}.att`, 'kept')
      await put(list, tag)
      await put(stranger, `${tag}-no`, 'other')
      const before = await living(db)
      expect(await remove.removeArtifact(base.digest)).toBe(true)
      expect(await finds(base.digest, signature.digest, countersignature.digest, 'counter')).toEqual(
        Array(4).fill(false),
      )
      expect(await finds(`${tag}.sig`, `${tag}.att`, tag, sig.digest, list.digest)).toEqual(Array(5).fill(false))
      // What another tag names stays, and a tag that only looks similar speaks of nothing.
      expect(await finds('kept', att.digest, `${tag}-no`, stranger.digest)).toEqual(Array(4).fill(true))
      expect(await failureCode(restore.undelete('other'))).toBe('NOT_FOUND')
      expect(await remove.removeArtifact(signature.digest)).toBe(false)
      const restored = await restore.undelete('v1')
      expect([restored.manifestCount, restored.tagCount]).toEqual([5, 5])
      expect(await living(db)).toEqual(before)
    })

    it('comes back by what went along with it', async () => {
      const { remove, restore, put, image, finds } = await start()
      const base = await image()
      const signature = await image(base)
      await put(base, 'v1')
      await put(signature)
      await remove.removeArtifact(base.digest)
      await restore.undelete(signature.digest)
      expect(await finds('v1', signature.digest)).toEqual([true, true])
    })

    it('that was pushed again is not doubled: tags that moved stay, and the room of the copy is given back', async () => {
      const { db, remove, restore, put, image } = await start()
      const one = await image()
      const other = await image()
      await put(other)
      await put(one, 'v1', 'v2', 'v3')
      const documents = async () =>
        (await db.first<{ document_bytes: number }>`select document_bytes from repository_usage`)?.document_bytes
      const before = await documents()
      await remove.removeArtifact(one.digest)
      expect(await documents()).toBe(before!)
      await put(one, 'v3')
      await put(other, 'v1')
      expect(await documents()).toBe(before! + one.bytes.length)
      const restored = await restore.undelete('v2')
      expect(restored).toEqual({
        manifests: [],
        manifestCount: 0,
        tags: ['v2'],
        tagCount: 1,
        elsewhere: [{ tag: 'v1', was: one.digest, digest: other.digest }],
        stray: [],
      })
      expect(await documents()).toBe(before!)
      const tags = await db.all`select name, digest from tags order by name`
      expect(tags).toEqual([
        { name: 'v1', digest: other.digest },
        { name: 'v2', digest: one.digest },
        { name: 'v3', digest: one.digest },
      ])
    })

    it('that was deleted twice comes back by the later deletion first, then by the earlier', async () => {
      const { db, remove, restore, put, image, finds } = await start()
      const one = await image()
      await put(one, 'v1')
      await remove.removeArtifact(one.digest)
      await put(one, 'v2')
      await remove.removeArtifact(one.digest)
      expect((await restore.undelete(one.digest)).tags).toEqual(['v2'])
      expect(await finds('v1', 'v2')).toEqual([false, true])
      expect(await restore.undelete(one.digest)).toMatchObject({ manifestCount: 0, tags: ['v1'] })
      expect(await finds('v1', 'v2')).toEqual([true, true])
      expect(await trash(db)).toEqual(EMPTY)
    })

    it('comes back with what its index lists, and with what its tag pointed at, where those went by themselves', async () => {
      const { remove, restore, put, image, finds } = await start()
      const [amd, arm] = [await image(), await image()]
      const both = indexOf([amd, arm])
      await put(amd)
      await put(arm)
      await put(both, 'v1')
      await remove.removeTag('v1')
      await remove.removeArtifact(both.digest)
      await remove.removeArtifact(arm.digest)
      await remove.removeArtifact(amd.digest)
      expect(await restore.undelete('v1')).toMatchObject({ manifestCount: 3, tags: ['v1'], stray: [] })
      expect(await finds('v1', both.digest, amd.digest, arm.digest)).toEqual(Array(4).fill(true))
    })

    it('does not come back without the blobs that were removed since, unless the repository asks for none', async () => {
      for (const completeness of ['full', 'index', 'any'] as const) {
        const { db, test, remove, restore, put, image, finds } = await start({ completeness })
        const one = await image()
        await put(one, 'v1')
        await remove.removeArtifact(one.digest)
        const rows = await db.all<{ digest: Digest }>`select digest from deleted_artifact_blobs`
        await remove.removeBlob(rows[0]!.digest)
        const before = await trash(test.db)
        const isWhole = completeness === 'any'
        expect(await failureCode(restore.undelete('v1'))).toBe(isWhole ? 'no error' : 'CONFLICT')
        expect(await finds('v1')).toEqual([isWhole])
        if (!isWhole) expect(await trash(test.db)).toEqual(before)
      }
    })

    it('stays deleted, or comes back, as a whole when something fails', async () => {
      const { db, remove, restore, put, image, finds } = await start()
      const base = await image()
      const signature = await image(base)
      await put(base, 'v1')
      await put(signature)
      const before = await living(db)
      for (const statement of ['insert into deleted_tags', 'insert into tag_history', 'delete from artifacts']) {
        db.failOnce(statement, 'rolled-back')
        expect(await failureCode(remove.removeArtifact(base.digest))).toBe('UNAVAILABLE')
        expect([await living(db), await trash(db)]).toEqual([before, EMPTY])
      }
      await remove.removeArtifact(base.digest)
      const deleted = await trash(db)
      for (const statement of ['insert into artifacts', 'insert into tags', 'delete from deletions']) {
        db.failOnce(statement, 'rolled-back')
        expect(await failureCode(restore.undelete('v1'))).toBe('UNAVAILABLE')
        expect([await finds('v1', signature.digest), await trash(db)]).toEqual([[false, false], deleted])
      }
      await restore.undelete('v1')
      expect(await living(db)).toEqual(before)
    })

    it('is scanned again when nothing is known of it, and not else', async () => {
      const { db, remove, restore, put, image } = await start()
      const [known, unknown] = [await image(), await image()]
      const index = indexOf([known])
      await put(known, 'known')
      await put(unknown, 'unknown')
      await put(index, 'index')
      await db.transaction(async (tx) => {
        await tx.run`delete from jobs`
        await tx.run`
          insert into scans (digest, state, platform, report, complete, reasons, scanned_at, matched_at)
          values (${known.digest}, 'done', null, null, 1, '[]', 0, 0)`
      })
      for (const one of [index, known, unknown]) await remove.removeArtifact(one.digest)
      for (const tag of ['index', 'known', 'unknown']) await restore.undelete(tag).catch(() => {})
      expect(await db.all`select kind, subject from jobs`).toEqual([{ kind: 'scan', subject: unknown.digest }])
    })
  })

  describe('where nothing deleted is kept', () => {
    it('what is deleted is gone at once, and purged with the next step', async () => {
      const { test, db, past, remove, restore, put, image } = await start()
      Object.assign(test.services, { keepDeletedMs: 0 })
      const one = await image()
      await put(one, 'v1')
      await remove.removeArtifact(one.digest)
      expect(await failureCode(restore.undelete('v1'))).toBe('NOT_FOUND')
      expect(await past.deletions({ limit: 10 })).toEqual({ items: [] })
      while (await db.transaction((tx) => purgeStep(tx, test.auth.now())));
      expect(await trash(db)).toEqual(EMPTY)
    })
  })

  describe('a deleted tag', () => {
    it('comes back to where it was, with a line of history for each step', async () => {
      const { past, remove, restore, put, image, finds } = await start()
      const one = await image()
      await put(one, 'v1', 'v2')
      expect(await remove.removeTag('v1')).toBe(true)
      expect(await remove.removeTag('v1')).toBe(false)
      expect(await finds('v1', 'v2', one.digest)).toEqual([false, true, true])
      expect(await restore.undelete('v1')).toMatchObject({ manifestCount: 0, tags: ['v1'] })
      const { items } = await past.history('v1', { limit: 10 })
      expect(items.map(({ digest, changedBy }) => [digest, changedBy])).toEqual([
        [one.digest, 'seawall'],
        [null, 'seawall'],
        [one.digest, 'seawall'],
      ])
    })

    it('does not come back when what it pointed at is gone for good', async () => {
      const { db, remove, restore, put, image } = await start()
      const one = await image()
      await put(one, 'v1')
      await remove.removeTag('v1')
      await remove.removeArtifact(one.digest)
      expect(await restore.purge(one.digest)).toBe(1)
      expect(await failureCode(restore.undelete('v1'))).toBe('CONFLICT')
      expect((await trash(db))[0]).toBe(2)
    })
  })

  describe('the list of deletions', () => {
    it('has the newest first, page by page, without what is given up or too old', async () => {
      const { test, past, restore, remove, put, image } = await start()
      const images = [await image(), await image(), await image(), await image()]
      for (const [at, one] of images.entries()) {
        await put(one, `v${at}`)
        await remove.removeArtifact(one.digest)
        test.auth.ahead += DAY_MS
      }
      const first = await past.deletions({ limit: 2 })
      expect(first.items.map(({ tags }) => tags.map(({ name }) => name))).toEqual([['v3'], ['v2']])
      expect(first.items[0]).toMatchObject({
        reason: 'request',
        deletedBy: 'seawall',
        artifacts: [{ digest: images[3]!.digest, mediaType: MANIFEST, subject: null }],
        isCut: false,
      })
      expect(first.items[0]!.purgeAt - first.items[0]!.deletedAt).toBe(7 * DAY_MS)
      const second = await past.deletions({ limit: 2, after: first.next! })
      expect([second.items.map(({ tags }) => tags[0]?.name), second.next]).toEqual([['v1', 'v0'], undefined])
      expect(await failureCode(past.deletions({ limit: 2, after: 'x' }))).toBe('INVALID')
      expect(await restore.purge('v2')).toBe(1)
      test.auth.ahead += 3 * DAY_MS
      const left = await past.deletions({ limit: 10 })
      expect(left.items.map(({ tags }) => tags[0]?.name)).toEqual(['v3', 'v1'])
      expect([await failureCode(restore.undelete('v0')), await failureCode(restore.undelete('v2'))]).toEqual([
        'NOT_FOUND',
        'NOT_FOUND',
      ])
      expect([await restore.purge(null), await restore.purge(null)]).toEqual([2, 0])
      expect((await past.deletions({ limit: 10 })).items).toEqual([])
    })

    it('names twenty of what went, and says that there is more', async () => {
      const { past, remove, put, image } = await start()
      const base = await image()
      await put(base, ...Array.from({ length: 21 }, (_, at) => `t${at}`))
      await remove.removeArtifact(base.digest)
      const [entry] = (await past.deletions({ limit: 1 })).items
      expect([entry?.tags.length, entry?.artifacts.length, entry?.isCut]).toEqual([20, 1, true])
    })
  })

  describe('a tag', () => {
    it('has its history in pages, the newest first', async () => {
      const { past, put, image } = await start()
      const images = [await image(), await image(), await image()]
      for (const one of images) await put(one, 'v1')
      const first = await past.history('v1', { limit: 2 })
      const second = await past.history('v1', { limit: 2, after: first.next! })
      expect([...first.items, ...second.items].map(({ digest }) => digest)).toEqual(
        images.map(({ digest }) => digest).reverse(),
      )
      expect(second.next).toBeUndefined()
      expect(await past.history('absent', { limit: 2 })).toEqual({ items: [] })
    })

    it('moves back to what it pointed at, living or deleted, as who asks', async () => {
      const { test, past, remove, retag, put, image, finds, pkg } = await start()
      const [one, two] = [await image(), await image()]
      await put(one, 'v1', 'old')
      await put(two, 'v1')
      expect(await retag.moveTag('v1', one.digest)).toBeNull()
      expect((await pkg.find('v1'))?.digest).toBe(one.digest)
      await put(two, 'v1')
      await remove.removeArtifact(one.digest)
      const writer = await test.user('writer')
      await test.grant((await test.directory.find('demo'))!, writer, 'writer')
      const asWriter = await test.registry.toRetag(test.actor(writer), test.name('demo/app'))
      expect(await asWriter.moveTag('v1', one.digest)).toMatchObject({ manifestCount: 1, tags: ['old'] })
      expect((await pkg.find('v1'))?.digest).toBe(one.digest)
      expect(await finds('old', two.digest)).toEqual([true, true])
      expect((await past.history('v1', { limit: 1 })).items[0]).toMatchObject({
        digest: one.digest,
        changedBy: 'writer',
      })
      expect(await failureCode(retag.moveTag('v1', digestOf('absent')))).toBe('MANIFEST_UNKNOWN')
      expect(await failureCode(test.registry.toRestore(test.actor(writer), test.name('demo/app')))).toBe('DENIED')
    })
  })
}
