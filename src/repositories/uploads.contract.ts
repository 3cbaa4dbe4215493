import { afterEach, describe, expect, it } from 'bun:test'
import { rm, writeFile } from 'node:fs/promises'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { FaultyDatabase } from '../../tests/harness/faulty-database.ts'
import { bodyOf, pushBytes, TestRegistry } from '../../tests/harness/registry.ts'
import { findBlobAnywhere } from '../catalog/blobs.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { expireUploads, removeStrayUploads } from '../maintenance/expire-uploads.ts'
import type { Database } from '../storage/database.ts'
import type { ReadablePackage, WritablePackage } from './package.ts'

const HOUR_MS = 3_600_000
const never = new AbortController().signal

function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(size))
}

/** A body that the test feeds by hand. */
function openBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return { body: readable, send: (bytes: Uint8Array) => writer.write(bytes), end: () => writer.close(), writer }
}

async function contentOf(pkg: ReadablePackage, digest: Digest): Promise<Digest> {
  const opened = await pkg.openBlob(digest)
  if (opened.kind !== 'file') throw new Error('a disk gives files')
  return digestOf(await Bun.file(opened.path).bytes())
}

async function uploadCount(db: Database): Promise<number> {
  return (await db.all`select id from uploads`).length
}

/** Unfinished blobs: one writer at a time, nothing lost, nothing seen too early. */
export function uploadsContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const db = new FaultyDatabase(await open())
    const test = await TestRegistry.open(db)
    opened.push(test)
    await test.repository('demo')
    const pkg = await test.push('demo/app')
    return { test, db, pkg, uploads: pkg.uploads }
  }

  describe('an upload', () => {
    it('has one writer at a time, and mixes no bytes', async () => {
      const { uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(3_000)
      const slow = openBody()
      const first = uploads.append(id, { start: 0 }, slow.body)
      await slow.send(bytes.slice(0, 1_000))
      const intruder = bodyOf(bytesOf(500))
      expect(await failureCode(uploads.append(id, { start: 0 }, intruder))).toBe('RANGE_INVALID')
      expect(await failureCode(uploads.commit(id, digestOf(''), {}, null))).toBe('RANGE_INVALID')
      expect(await failureCode(uploads.cancel(id))).toBe('RANGE_INVALID')
      expect((await uploads.stat(id)).offset).toBe(0)
      await slow.send(bytes.slice(1_000))
      await slow.end()
      expect((await first).offset).toBe(3_000)
      await uploads.commit(id, digestOf(bytes), {}, null)
      expect(await contentOf(pkg, digestOf(bytes))).toBe(digestOf(bytes))
    })

    it('goes on at the last acknowledged byte when its client is gone in the middle', async () => {
      const { uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(4_000)
      await uploads.append(id, {}, bodyOf(bytes.slice(0, 1_000)))
      const broken = openBody()
      const failing = uploads.append(id, { start: 1_000 }, broken.body)
      await broken.send(bytes.slice(1_000, 2_500))
      await broken.writer.abort(new Error('gone'))
      await expect(failing).rejects.toThrow('gone')
      expect((await uploads.stat(id)).offset).toBe(1_000)
      expect(await failureCode(uploads.append(id, { start: 2_500 }, bodyOf(bytes.slice(2_500))))).toBe('RANGE_INVALID')
      await uploads.append(id, { start: 1_000 }, bodyOf(bytes.slice(1_000)))
      await uploads.commit(id, digestOf(bytes), {}, null)
      expect(await contentOf(pkg, digestOf(bytes))).toBe(digestOf(bytes))
    })

    it('is taken over when its claim has run out, and the first writer counts no more', async () => {
      const { test, db, uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const late = openBody()
      const first = uploads.append(id, {}, late.body)
      await late.send(bytesOf(700))
      // As another replica does, whose claim the first one has not heard of.
      await db.transaction((tx) => tx.run`update uploads set claimed_by = 'other' where id = ${id}`)
      await late.end()
      expect(await failureCode(first)).toBe('BLOB_UPLOAD_INVALID')
      expect((await uploads.stat(id)).offset).toBe(0)
      test.auth.ahead += 60_000
      const bytes = bytesOf(900)
      await uploads.append(id, {}, bodyOf(bytes))
      await uploads.commit(id, digestOf(bytes), {}, null)
      expect(await contentOf(pkg, digestOf(bytes))).toBe(digestOf(bytes))
    })

    it('makes no blob for somebody who lost it in the middle of the closing request', async () => {
      const { db, uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(800)
      const late = openBody()
      const closing = uploads.commit(id, digestOf(bytes), {}, late.body)
      await late.send(bytes)
      await db.transaction((tx) => tx.run`update uploads set claimed_by = 'other' where id = ${id}`)
      await late.end()
      expect(await failureCode(closing)).toBe('BLOB_UPLOAD_INVALID')
      expect(await pkg.statBlob(digestOf(bytes))).toBeNull()
      expect(await uploadCount(db)).toBe(1)
    })

    it('may be ended with the right digest after a wrong one', async () => {
      const { uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(600)
      await uploads.append(id, {}, bodyOf(bytes.slice(0, 400)))
      const wrong = digestOf('something else')
      expect(await failureCode(uploads.commit(id, wrong, {}, bodyOf(bytes.slice(400))))).toBe('DIGEST_INVALID')
      expect((await uploads.stat(id)).offset).toBe(400)
      await uploads.commit(id, digestOf(bytes, 'sha512'), {}, bodyOf(bytes.slice(400)))
      expect((await pkg.statBlob(digestOf(bytes, 'sha512')))?.size).toBe(600)
    })

    it('goes on when its last chunk was taken and the rest failed, also for who sends that chunk again', async () => {
      for (const [algorithm, range] of [
        ['sha256', { start: 500 }],
        ['sha512', {}],
      ] as const) {
        const { db, uploads, pkg } = await start()
        const { id } = await uploads.start('sha256')
        const bytes = bytesOf(900)
        const digest = digestOf(bytes, algorithm)
        await uploads.append(id, {}, bodyOf(bytes.slice(0, 500)))
        for (let attempt = 0; attempt < 2; attempt++) {
          db.failOnce('insert into blobs', 'rolled-back')
          expect(await failureCode(uploads.commit(id, digest, range, bodyOf(bytes.slice(500))))).toBe('UNAVAILABLE')
          expect((await uploads.stat(id)).offset).toBe(900)
        }
        await uploads.commit(id, digest, {}, null)
        expect(await contentOf(pkg, digest)).toBe(digestOf(bytes))
      }
    })

    it('is free at once when nobody heard that it was claimed', async () => {
      const { db, uploads } = await start()
      const { id } = await uploads.start('sha256')
      db.failOnce('update uploads set claimed_by', 'answer-lost')
      expect(await failureCode(uploads.append(id, {}, bodyOf(bytesOf(10))))).toBe('UNAVAILABLE')
      expect((await uploads.append(id, {}, bodyOf(bytesOf(10)))).offset).toBe(10)
    })

    it('is gone after its end, also for who was told nothing of it', async () => {
      const { uploads } = await start()
      const { id } = await uploads.start('sha256')
      const digest = digestOf('')
      const twice = await Promise.all([
        failureCode(uploads.commit(id, digest, {}, null)),
        failureCode(uploads.commit(id, digest, {}, null)),
      ])
      expect(twice.filter((code) => code === 'no error').length).toBe(1)
      expect(['RANGE_INVALID', 'BLOB_UPLOAD_UNKNOWN']).toContain(twice.find((code) => code !== 'no error')!)
      for (const again of [uploads.commit(id, digest, {}, null), uploads.cancel(id), uploads.stat(id)]) {
        expect(await failureCode(again)).toBe('BLOB_UPLOAD_UNKNOWN')
      }
    })

    it('belongs to its image alone', async () => {
      const { test, uploads } = await start()
      const { id } = await uploads.start('sha256')
      const other = (await test.push('demo/other')).uploads
      for (const wrong of [other.stat(id), other.cancel(id), other.append(id, {}, bodyOf(bytesOf(9)))]) {
        expect(await failureCode(wrong)).toBe('BLOB_UPLOAD_UNKNOWN')
      }
    })
  })

  describe('a commit whose transaction fails', () => {
    it('shows nothing and loses nothing: the client ends it again', async () => {
      const { db, uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(5_000)
      const digest = digestOf(bytes)
      await uploads.append(id, {}, bodyOf(bytes))
      db.failOnce('insert into blobs', 'rolled-back')
      expect(await failureCode(uploads.commit(id, digest, {}, null))).toBe('UNAVAILABLE')
      expect(await pkg.statBlob(digest)).toBeNull()
      expect(await findBlobAnywhere(db, digest)).toBeNull()
      expect((await uploads.stat(id)).offset).toBe(5_000)
      await uploads.commit(id, digest, {}, null)
      expect(await contentOf(pkg, digest)).toBe(digest)
    })

    it('lets go of the upload as soon as the database is there again', async () => {
      const { db, uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(500)
      await uploads.append(id, {}, bodyOf(bytes))
      db.failOnce('insert into blobs', 'rolled-back')
      for (let n = 0; n < 2; n++) db.failOnce('update uploads set claimed_by = null', 'rolled-back')
      expect(await failureCode(uploads.commit(id, digestOf(bytes), {}, null))).toBe('UNAVAILABLE')
      expect(await failureCode(uploads.commit(id, digestOf(bytes), {}, null))).toBe('RANGE_INVALID')
      await Bun.sleep(1_300)
      await uploads.commit(id, digestOf(bytes), {}, null)
      expect(await contentOf(pkg, digestOf(bytes))).toBe(digestOf(bytes))
    })

    it('keeps the bytes when only the answer was lost', async () => {
      const { db, uploads, pkg } = await start()
      const { id } = await uploads.start('sha256')
      const bytes = bytesOf(5_000)
      const digest = digestOf(bytes)
      await uploads.append(id, {}, bodyOf(bytes))
      db.failOnce('insert into blobs', 'answer-lost')
      expect(await failureCode(uploads.commit(id, digest, {}, null))).toBe('UNAVAILABLE')
      expect(await contentOf(pkg, digest)).toBe(digest)
      expect(await failureCode(uploads.commit(id, digest, {}, null))).toBe('BLOB_UPLOAD_UNKNOWN')
      await pushBytes(pkg, bytes)
      expect(await contentOf(pkg, digest)).toBe(digest)
    })

    it.each(['rolled-back', 'answer-lost'] as const)(
      'of a whole blob in one request can be sent again (%s)',
      async (kind) => {
        const { db, pkg } = await start()
        const bytes = bytesOf(2_000)
        db.failOnce('insert into blobs', kind)
        expect(await failureCode(pushBytes(pkg, bytes))).toBe('UNAVAILABLE')
        const digest = await pushBytes(pkg, bytes)
        expect(await contentOf(pkg, digest)).toBe(digest)
      },
    )
  })

  describe('a blob that is pushed again', () => {
    it.each([
      ['missing', (path: string) => rm(path)],
      ['cut short', (path: string) => writeFile(path, 'x')],
    ] as const)('is healed while its file is %s', async (_, damage) => {
      const { test, db, pkg } = await start()
      const bytes = bytesOf(3_000)
      const digest = await pushBytes(pkg, bytes)
      const before = (await findBlobAnywhere(db, digest))!
      await damage(test.path(before.location))
      const again = await test.push('demo/app')
      expect(await failureCode(again.openBlob(digest))).not.toBe('no error')
      expect(await again.probeBlob(digest)).toBeNull()
      expect(await (await test.push('demo/other')).mount(digest, again)).toBeNull()
      await pushBytes(again, bytes)
      expect(await contentOf(await test.push('demo/app'), digest)).toBe(digest)
      expect((await findBlobAnywhere(db, digest))!.location).not.toBe(before.location)
    })

    it('by eight clients at once into two images is kept once, and in both', async () => {
      const { test, db } = await start()
      const bytes = bytesOf(200_000)
      const digest = digestOf(bytes)
      const names = ['demo/one', 'demo/two']
      await Promise.all(Array.from({ length: 8 }, async (_, n) => pushBytes(await test.push(names[n % 2]!), bytes)))
      for (const name of names) expect(await contentOf(await test.push(name), digest)).toBe(digest)
      const kept: string[] = []
      for await (const { location } of test.services.blobs.list()) kept.push(location)
      expect(kept).toEqual([(await findBlobAnywhere(db, digest))!.location])
      expect(await Array.fromAsync(test.services.uploads.list())).toEqual([])
    })
  })

  describe('uploads that nobody goes on with', () => {
    const begun = async (uploads: WritablePackage['uploads'], size = 100) => {
      const { id } = await uploads.start('sha256')
      await uploads.append(id, {}, bodyOf(bytesOf(size)))
      return id
    }
    const expire = (test: TestRegistry) =>
      expireUploads(test.db, test.services.uploads, 24 * HOUR_MS, test.auth.now(), never)

    it('are thrown away with their bytes after their time, and not before', async () => {
      const { test, db, uploads } = await start()
      const old = await begun(uploads)
      test.auth.ahead = 24 * HOUR_MS - 60_000
      const young = await begun(uploads)
      expect(await expire(test)).toBe(0)
      test.auth.ahead += 61_000
      expect(await expire(test)).toBe(1)
      expect(await failureCode(uploads.stat(old))).toBe('BLOB_UPLOAD_UNKNOWN')
      expect((await uploads.stat(young)).offset).toBe(100)
      expect(await uploadCount(db)).toBe(1)
      expect((await Array.fromAsync(test.services.uploads.list())).map(({ id }) => id)).toEqual([young])
    })

    it('are left alone while somebody writes, and when somebody came back in time', async () => {
      const { test, db, uploads } = await start()
      const id = await begun(uploads)
      test.auth.ahead = 25 * HOUR_MS
      const slow = openBody()
      const writing = uploads.append(id, {}, slow.body)
      await slow.send(bytesOf(10))
      await db.transaction((tx) => tx.run`update uploads set touched_at = 0`) // as if the renewal had not come yet
      expect(await expire(test)).toBe(0)
      await slow.end()
      expect((await writing).offset).toBe(110)
      expect(await expire(test)).toBe(0)
    })

    it('more than a batch of them go in one run', async () => {
      const { test, db, uploads } = await start()
      for (let n = 0; n < 105; n++) await uploads.start('sha256')
      test.auth.ahead = 25 * HOUR_MS
      expect(await expire(test)).toBe(105)
      expect(await uploadCount(db)).toBe(0)
    })

    it('lose bytes that no row speaks of', async () => {
      const { test, uploads } = await start()
      const known = await begun(uploads)
      const stray = await test.services.uploads.create(crypto.randomUUID(), 'sha256')
      await test.services.uploads.append(stray, bodyOf(bytesOf(10)), 100)
      const sweep = (now: number) => removeStrayUploads(test.db, test.services.uploads, HOUR_MS, now, never)
      await sweep(Date.now())
      expect((await Array.fromAsync(test.services.uploads.list())).length).toBe(2)
      await sweep(Date.now() + 2 * HOUR_MS)
      expect((await Array.fromAsync(test.services.uploads.list())).map(({ id }) => id)).toEqual([known])
    })
  })
}
