import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { digestOf } from '../../src/core/digest.ts'
import {
  all,
  bodyOf,
  brokenBody,
  bytesOf,
  codeOf,
  endlessBody,
  fingerprint,
  load,
  NO_LIMIT,
  newUploadId,
  type StorePlace,
  type Stores,
  stage,
} from './stores.ts'

const MIB = 1024 * 1024

/** What every `UploadStore` promises. */
export function uploadStoreContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the upload store contract`, () => {
    let place: StorePlace
    let stores: Stores

    beforeAll(async () => {
      place = await makePlace()
      stores = place.open()
    })
    afterAll(() => place?.remove())

    it('begins empty, with the digest of no bytes', async () => {
      const upload = await stores.uploads.create(newUploadId(), 'sha512')
      expect(upload).toMatchObject({ offset: 0, digest: digestOf('', 'sha512') })
    })

    for (const algorithm of ['sha256', 'sha512'] as const) {
      it(`answers offset and ${algorithm} digest of all bytes after every append`, async () => {
        const bytes = bytesOf(6 * MIB + 1)
        let upload = await stores.uploads.create(newUploadId(), algorithm)
        for (const end of [1, 2 * MIB + 7, 2 * MIB + 8, 5 * MIB + 1, bytes.length]) {
          upload = await stores.uploads.append(upload, bodyOf(bytes.subarray(upload.offset, end), 40_961), NO_LIMIT)
          expect(upload.offset).toBe(end)
          expect(upload.digest).toBe(digestOf(bytes.subarray(0, end), algorithm))
        }
        const staged = await stores.uploads.seal(upload, algorithm)
        expect(staged).toMatchObject({ digest: digestOf(bytes, algorithm), size: bytes.length })
        expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
      })
    }

    it('goes on from the state alone in another process', async () => {
      const bytes = bytesOf(23 * MIB + 5, 2)
      let upload = await stores.uploads.create(newUploadId(), 'sha256')
      for (const end of [3, 11 * MIB, 11 * MIB + 1, 18 * MIB, bytes.length]) {
        const fresh = place.open()
        const kept = JSON.parse(JSON.stringify(upload))
        upload = await fresh.uploads.append(kept, bodyOf(bytes.subarray(upload.offset, end)), NO_LIMIT)
      }
      const last = place.open()
      const staged = await last.uploads.seal(upload, 'sha256')
      expect(staged.digest).toBe(digestOf(bytes))
      expect(fingerprint(await load(last, await place.open().blobs.commit(staged)))).toBe(fingerprint(bytes))
    })

    it('is sealed by another process without a byte being sent again', async () => {
      const bytes = bytesOf(9 * MIB, 3)
      const upload = await stores.uploads.create(newUploadId(), 'sha256')
      const taken = await stores.uploads.append(upload, bodyOf(bytes), NO_LIMIT)
      const staged = await place.open().uploads.seal(taken, 'sha256')
      expect(staged.digest).toBe(digestOf(bytes))
    })

    for (const size of [0, 1000, 17 * MIB]) {
      it(`is sealed with the other algorithm, ${size} bytes`, async () => {
        const bytes = bytesOf(size, 4)
        const upload = await stores.uploads.create(newUploadId(), 'sha256')
        const taken = await stores.uploads.append(upload, bodyOf(bytes), NO_LIMIT)
        const staged = await stores.uploads.seal(taken, 'sha512')
        expect(staged).toMatchObject({ digest: digestOf(bytes, 'sha512'), size })
        expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
      })

      it(`goes on after a seal that was not what the client said, ${size} bytes`, async () => {
        const bytes = bytesOf(size + 3000, 5)
        const upload = await stores.uploads.create(newUploadId(), 'sha256')
        const taken = await stores.uploads.append(upload, bodyOf(bytes.subarray(0, size)), NO_LIMIT)
        await stores.uploads.seal(taken, 'sha256')
        await stores.uploads.seal(taken, 'sha512')
        const more = await stores.uploads.append(taken, bodyOf(bytes.subarray(size)), NO_LIMIT)
        const staged = await stores.uploads.seal(more, 'sha256')
        expect(staged.digest).toBe(digestOf(bytes))
        expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
      })
    }

    for (const before of [0, 100, 9 * MIB]) {
      it(`leaves the state before usable when the body breaks, after ${before} bytes`, async () => {
        const bytes = bytesOf(before + 20 * MIB, 6)
        const broken = new Error('connection reset')
        const begun = await stores.uploads.create(newUploadId(), 'sha256')
        const upload = await stores.uploads.append(begun, bodyOf(bytes.subarray(0, before)), NO_LIMIT)
        const wrong = brokenBody(bytesOf(12 * MIB, 7), broken)
        await expect(stores.uploads.append(upload, wrong, NO_LIMIT)).rejects.toBe(broken)
        const taken = await stores.uploads.append(upload, bodyOf(bytes.subarray(before)), NO_LIMIT)
        expect(taken.digest).toBe(digestOf(bytes))
        const location = await stores.blobs.commit(await stores.uploads.seal(taken, 'sha256'))
        expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
      })
    }

    it('goes on from an older state when the newer one was never written down', async () => {
      const bytes = bytesOf(12 * MIB, 8)
      const begun = await stores.uploads.create(newUploadId(), 'sha256')
      const older = await stores.uploads.append(begun, bodyOf(bytes.subarray(0, MIB)), NO_LIMIT)
      await stores.uploads.append(older, bodyOf(bytesOf(10 * MIB, 9)), NO_LIMIT)
      const taken = await stores.uploads.append(older, bodyOf(bytes.subarray(MIB)), NO_LIMIT)
      const staged = await stores.uploads.seal(taken, 'sha256')
      expect(staged.digest).toBe(digestOf(bytes))
      expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
    })

    it('commits exactly the sealed bytes when a later append was never written down', async () => {
      const bytes = bytesOf(3 * MIB, 10)
      const begun = await stores.uploads.create(newUploadId(), 'sha256')
      const taken = await stores.uploads.append(begun, bodyOf(bytes), NO_LIMIT)
      await stores.uploads.append(taken, bodyOf(bytesOf(MIB, 11)), NO_LIMIT)
      const staged = await place.open().uploads.seal(taken, 'sha256')
      expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
    })

    it('takes exactly the limit and not a byte more, over several appends', async () => {
      const upload = await stores.uploads.create(newUploadId(), 'sha256')
      const taken = await stores.uploads.append(upload, bodyOf(bytesOf(1000)), 1500)
      expect(await codeOf(stores.uploads.append(taken, bodyOf(bytesOf(501)), 1500))).toBe('BLOB_TOO_LARGE')
      expect((await stores.uploads.append(taken, bodyOf(bytesOf(500)), 1500)).offset).toBe(1500)
    })

    it('stops an endless body at the limit and lets go of it', async () => {
      const upload = await stores.uploads.create(newUploadId(), 'sha256')
      const endless = endlessBody()
      expect(await codeOf(stores.uploads.append(upload, endless.body, 20 * MIB))).toBe('BLOB_TOO_LARGE')
      await Bun.sleep(1)
      expect(endless.isCancelled()).toBe(true)
    })

    it('lets go of the body when the upload is unknown or its state is not ours', async () => {
      const empty = await stores.uploads.create(newUploadId(), 'sha256')
      for (const state of ['', '{}', '../../etc/passwd', `${empty.state}x/..`]) {
        const endless = endlessBody()
        const upload = { ...empty, state, offset: 5 }
        await expect(stores.uploads.append(upload, endless.body, NO_LIMIT)).rejects.toThrow()
        await Bun.sleep(1)
        expect(endless.isCancelled()).toBe(true)
      }
    })

    it('refuses ids that could mean another place', async () => {
      const hostile = [
        '',
        '.',
        '..',
        '../x',
        'a/b',
        'a\\b',
        'a\0b',
        'ä',
        '日本',
        '%2e%2e',
        'a b',
        'x'.repeat(129),
        '🦭',
      ]
      for (const id of hostile) {
        expect(await codeOf(stores.uploads.create(id, 'sha256'))).toBe('BLOB_UPLOAD_INVALID')
      }
    })

    it('adds nothing for an empty body', async () => {
      const bytes = bytesOf(70_000, 12)
      const upload = await stores.uploads.create(newUploadId(), 'sha256')
      const taken = await stores.uploads.append(upload, bodyOf(bytes), NO_LIMIT)
      const same = await place.open().uploads.append(taken, bodyOf(new Uint8Array()), NO_LIMIT)
      expect(same).toMatchObject({ offset: bytes.length, digest: digestOf(bytes) })
    })

    it('lists an upload with bytes, and no more once it is discarded; twice is no error', async () => {
      const id = newUploadId()
      const upload = await stores.uploads.create(id, 'sha256')
      const taken = await stores.uploads.append(upload, bodyOf(bytesOf(18 * MIB)), NO_LIMIT)
      const listed = (await all(stores.uploads.list())).filter((found) => found.id === id)
      expect(listed.length).toBe(1)
      expect(Math.abs(Date.now() - listed[0]!.modifiedAt)).toBeLessThan(120_000)
      await stores.uploads.discard({ ...taken, state: listed[0]!.state })
      await stores.uploads.discard(taken)
      await stores.uploads.discard(taken)
      expect((await all(stores.uploads.list())).some((found) => found.id === id)).toBe(false)
      expect(await codeOf(stores.uploads.append(taken, bodyOf(bytesOf(9 * MIB)), NO_LIMIT))).toBe('BLOB_UPLOAD_UNKNOWN')
    })

    for (const size of [10, 17 * MIB]) {
      it(`takes nothing from a blob by discarding its upload late, ${size} bytes`, async () => {
        const bytes = bytesOf(size, 13)
        const upload = await stores.uploads.create(newUploadId(), 'sha256')
        const taken = await stores.uploads.append(upload, bodyOf(bytes), NO_LIMIT)
        const location = await stores.blobs.commit(await stores.uploads.seal(taken, 'sha256'))
        await stores.uploads.discard(taken)
        expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
      })
    }

    it('takes 200 MB in bounded memory', async () => {
      await stage(stores, bytesOf(MIB))
      Bun.gc(true)
      const before = process.memoryUsage.rss()
      let peak = before
      const chunk = bytesOf(65_536, 14)
      let left = 200 * MIB
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await Bun.sleep(0)
          peak = Math.max(peak, process.memoryUsage.rss())
          if (left <= 0) return controller.close()
          controller.enqueue(chunk.slice())
          left -= chunk.length
        },
      })
      const upload = await stores.uploads.create(newUploadId(), 'sha256')
      const taken = await stores.uploads.append(upload, body, NO_LIMIT)
      expect(taken.offset).toBe(200 * MIB)
      expect((peak - before) / MIB).toBeLessThan(150)
      await stores.uploads.discard(taken)
    }, 60_000)
  })
}
