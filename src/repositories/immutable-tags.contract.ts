import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { EMPTY, indexOf, living, type Made, openPast, plain, trash } from '../../tests/harness/past.ts'
import { putDocument } from '../../tests/harness/registry.ts'
import { changeRepository } from '../catalog/repositories.ts'
import type { Digest } from '../core/digest.ts'
import type { RepositorySettings } from '../core/repository.ts'

/** Tags that are set once: no way of pushing or deleting gets around it. */
export function immutableTagsContract(open: OpenDatabase): void {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (settings: Partial<RepositorySettings> = {}) => {
    const ground = await openPast(await open(), settings)
    opened.push(ground.test)
    return ground
  }

  describe('an immutable tag', () => {
    const immutableTags = ['v*']

    it('is made and pushed again, but neither moved nor deleted, nor what it points at', async () => {
      const { db, remove, retag, put, image } = await start({ immutableTags })
      const [one, two] = [await image(), await image()]
      const index = indexOf([two])
      await put(one, 'v1', 'free')
      await put(one, 'v1')
      await put(two, 'two')
      const outer = indexOf([index])
      await put(index)
      await put(outer, 'v2')
      const before = await living(db)
      const refused = await Promise.all([
        failureCode(put(two, 'v1')),
        failureCode(put(two, 'other', 'v1')),
        failureCode(retag.moveTag('v1', two.digest)),
        failureCode(remove.removeTag('v1')),
        failureCode(remove.removeArtifact(one.digest)),
        // listed by what is listed under an immutable tag
        failureCode(remove.removeArtifact(two.digest)),
      ])
      expect([...new Set(refused)]).toEqual(['TAG_IMMUTABLE'])
      expect([await living(db), await trash(db)]).toEqual([before, EMPTY])
      const message = await remove.removeTag('v1').catch((error: Error) => error.message)
      expect(message).toContain('"v1"')
      expect(message).toContain('"v*"')
      expect([await remove.removeTag('free'), await remove.removeTag('v9')]).toEqual([true, false])
    })

    it('holds for those too who remember the repository as it was before', async () => {
      const { db, remove, retag, put, image } = await start()
      const [one, two] = [await image(), await image()]
      await put(one, 'v1')
      await put(two, 'other')
      await db.transaction(async (tx) => {
        const [repository] = await tx.all<{ id: number }>`select id from repositories`
        if (repository) await changeRepository(tx, repository.id, { immutableTags })
      })
      const refused = await Promise.all([
        failureCode(put(two, 'v1')),
        failureCode(retag.moveTag('v1', two.digest)),
        failureCode(remove.removeTag('v1')),
        failureCode(remove.removeArtifact(one.digest)),
      ])
      expect([...new Set(refused)]).toEqual(['TAG_IMMUTABLE'])
    })

    it('keeps the blobs of what it points at, also through an index, and no others', async () => {
      const { db, remove, put, image } = await start({ immutableTags })
      const [one, two, free] = [await image(), await image(), await image()]
      await put(one, 'v1')
      await put(two)
      await put(indexOf([two]), 'v2')
      await put(free, 'free')
      const blobsOf = async ({ digest }: Made) =>
        db.all<{ digest: Digest }>`
          select b.digest from artifact_blobs b join artifacts a on a.id = b.artifact_id where a.digest = ${digest}`
      for (const [made, code] of [
        [one, 'TAG_IMMUTABLE'],
        [two, 'TAG_IMMUTABLE'],
        [free, 'no error'],
      ] as const) {
        for (const { digest } of await blobsOf(made)) expect(await failureCode(remove.removeBlob(digest))).toBe(code)
      }
    })

    it.each([
      ['any', { free: 'PRECONDITION_FAILED', moved: 'TAG_IMMUTABLE', same: 'no error' }],
      ['none', { free: 'no error', moved: 'TAG_IMMUTABLE', same: 'PRECONDITION_FAILED' }],
      ['where it is', { free: 'PRECONDITION_FAILED', moved: 'TAG_IMMUTABLE', same: 'no error' }],
    ] as const)('does not move for a push on a condition either: %s', async (condition, codes) => {
      const { pkg, put, image } = await start({ immutableTags })
      const [one, two] = [await image(), await image()]
      await put(one, 'v1')
      const expected = condition === 'where it is' ? [one.digest] : condition
      const push = (document: Made, tag: string) => failureCode(putDocument(pkg, document, { tags: [tag], expected }))
      expect({ free: await push(two, 'v2'), moved: await push(two, 'v1'), same: await push(one, 'v1') }).toEqual(codes)
    })

    it('that ten push at once for the first time is made by exactly one of them', async () => {
      const { test, pkg } = await start({ immutableTags })
      const documents = Array.from({ length: 10 }, (_, at) => plain(`${at}`))
      // Half of them are there already: those pushes take no room, and so do not wait for each other before the tag.
      for (const document of documents.slice(0, 5)) await putDocument(pkg, document)
      const codes = await Promise.all(
        documents.map(async (document) =>
          failureCode(putDocument(await test.push('demo/app'), document, { tags: ['v1'] })),
        ),
      )
      expect(codes.filter((code) => code === 'no error').length).toBe(1)
      expect(codes.filter((code) => code === 'TAG_IMMUTABLE').length).toBe(9)
      expect((await pkg.find('v1'))?.digest).toBe(documents[codes.indexOf('no error')]!.digest)
    })

    it('that is pushed while its manifest is deleted is there, or was never said to be', async () => {
      const { test, remove, put, pkg } = await start({ immutableTags })
      for (let round = 0; round < 20; round++) {
        const one = plain(`${round}`)
        await put(one, 'free')
        const [pushed, removed] = await Promise.all([
          failureCode(putDocument(await test.push('demo/app'), one, { tags: [`v${round}`] })),
          failureCode(remove.removeArtifact(one.digest)),
        ])
        expect([pushed, (await pkg.find(`v${round}`))?.digest]).toEqual(['no error', one.digest])
        expect(['no error', 'TAG_IMMUTABLE']).toContain(removed)
      }
    })
  })
}
