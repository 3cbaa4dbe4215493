import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { bodyOf, TestRegistry } from '../../tests/harness/registry.ts'
import { digestOf } from '../core/digest.ts'
import { DiskUploadStore } from '../storage/disk-upload-store.ts'
import { migrate } from '../storage/migrate.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'
import { LocalUploads } from './local-uploads.ts'

const bytes = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz')

describe('an upload whose writer sleeps past the end of its claim', () => {
  let db: SqliteDatabase
  let test: TestRegistry
  let uploads: LocalUploads
  /** The same folder and database, as another process sees them. */
  let elsewhere: LocalUploads
  beforeEach(async () => {
    db = await SqliteDatabase.open(':memory:')
    await migrate(db)
    test = await TestRegistry.open(db)
    const repository = await test.repository('demo')
    uploads = new LocalUploads(test.services, repository, 'app')
    const others = { ...test.services, uploads: new DiskUploadStore(test.folder) }
    elsewhere = new LocalUploads(others, repository, 'app')
  })
  afterEach(async () => {
    await test.close()
    await db.close()
  })

  /** What becomes of the claim while its process is stopped. */
  const runOut = () => db.transaction((tx) => tx.run`update uploads set claimed_until = 1 where claimed_by is not null`)
  const staged = async () => (await readdir(test.path('uploads'))).length

  for (const taken of [0, 9]) {
    it(`cannot spoil what another process makes of it, after ${taken} bytes`, async () => {
      const { id } = await uploads.start('sha256')
      if (taken > 0) await uploads.append(id, {}, bodyOf(bytes.subarray(0, taken)))
      const slow = new TransformStream<Uint8Array, Uint8Array>()
      const writer = slow.writable.getWriter()
      const sleeping = failureCode(uploads.append(id, { start: taken }, slow.readable))
      await writer.write(new TextEncoder().encode('ZZZ'))
      await Bun.sleep(20)
      await runOut()

      const next = await elsewhere.append(id, { start: taken }, bodyOf(bytes.subarray(taken, 15)))
      expect(next.offset).toBe(15)
      await writer.write(new TextEncoder().encode('Z'.repeat(30)))
      await elsewhere.append(id, { start: 15 }, bodyOf(bytes.subarray(15)))
      await writer.write(new TextEncoder().encode('ZZ'))
      const digest = digestOf(bytes)
      expect((await elsewhere.commit(id, digest, {}, null)).size).toBe(bytes.length)
      await writer.close().catch(() => {})
      expect(await sleeping).not.toBeNull()

      const row = await db.first<{ location: string }>`select location from blobs where digest = ${digest}`
      expect(await Bun.file(test.path(row?.location ?? '')).bytes()).toEqual(bytes)
      expect(await staged()).toBeLessThanOrEqual(1)
    })
  }

  it('is not copied when its writer has let go of it, as always', async () => {
    const { id } = await uploads.start('sha256')
    await uploads.append(id, {}, bodyOf(bytes.subarray(0, 9)))
    await elsewhere.append(id, { start: 9 }, bodyOf(bytes.subarray(9)))
    expect(await readdir(test.path('uploads'))).toEqual([id])
  })

  it('is damaged, and said to be, when the bytes that were taken are not there any more', async () => {
    const { id } = await uploads.start('sha256')
    await uploads.append(id, {}, bodyOf(bytes))
    await db.transaction((tx) => tx.run`update uploads set claimed_by = 'dead', claimed_until = 1`)
    await Bun.write(test.path(`uploads/${id}`), 'something else, at least as long as that')
    expect(await failureCode(elsewhere.append(id, {}, bodyOf(bytes)))).toBe('BLOB_UPLOAD_INVALID')
    expect(await readdir(test.path('uploads'))).toEqual([id])
  })
})
