import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { digestOf } from '../../src/core/digest.ts'
import type { BlobSource } from '../../src/storage/blob-store.ts'
import { all, bytesOf, codeOf, fingerprint, load, type StorePlace, type Stores, save, stage } from './stores.ts'

const MIB = 1024 * 1024

/** What every `BlobStore` promises. */
export function blobStoreContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the blob store contract`, () => {
    let place: StorePlace
    let stores: Stores

    beforeAll(async () => {
      place = await makePlace()
      stores = place.open()
    })
    afterAll(() => place?.remove())

    for (const size of [0, 1, 65_537, 5 * MIB, 8 * MIB, 16 * MIB + 1]) {
      it(`gives back exactly what was committed, ${size} bytes`, async () => {
        const bytes = bytesOf(size)
        const location = await save(stores, bytes)
        const fresh = place.open()
        expect(await fresh.blobs.stat(location)).toBe(size)
        expect(fingerprint(await load(fresh, location))).toBe(fingerprint(bytes))
        expect(fingerprint(await send(await fresh.blobs.open(location, size)))).toBe(fingerprint(bytes))
      })
    }

    it('gives back exactly the range, ends included', async () => {
      const bytes = bytesOf(9 * MIB)
      const location = await save(stores, bytes)
      const last = bytes.length - 1
      for (const [start, end] of [
        [0, 0],
        [0, last],
        [last, last],
        [8 * MIB - 3, 8 * MIB + 3],
      ] as const) {
        const wanted = fingerprint(bytes.slice(start, end + 1))
        const source = await stores.blobs.open(location, bytes.length, { start, end })
        expect(fingerprint(await send(source, { start, end }))).toBe(wanted)
        const read = await stores.blobs.read(location, { start, end })
        expect(fingerprint(await new Response(read).bytes())).toBe(wanted)
      }
    })

    it('makes a new location for bytes that are there already; removing one leaves the other', async () => {
      const bytes = bytesOf(100_000, 2)
      const first = await save(stores, bytes)
      const second = await save(stores, bytes)
      expect(second).not.toBe(first)
      await stores.blobs.remove([first])
      expect(await stores.blobs.stat(first)).toBeNull()
      expect(fingerprint(await load(stores, second))).toBe(fingerprint(bytes))
    })

    it('commits the same bytes many times at once, each to a place of its own', async () => {
      const bytes = bytesOf(50_000, 3)
      const locations = await Promise.all(Array.from({ length: 12 }, () => save(place.open(), bytes)))
      expect(new Set(locations).size).toBe(12)
      for (const location of locations) expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
    })

    it('leaves nothing of an upload behind once its bytes are a blob', async () => {
      const before = (await all(stores.blobs.list())).length
      await save(stores, bytesOf(10 * MIB, 4))
      expect((await all(stores.blobs.list())).length).toBe(before + 1)
      expect(await all(stores.uploads.list())).toEqual([])
    })

    it('commits again to the same place when nobody heard the answer', async () => {
      const bytes = bytesOf(1000)
      const staged = await stage(stores, bytes)
      const location = await stores.blobs.commit(staged)
      expect(await stores.blobs.commit(staged)).toBe(location)
      expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
      await stores.blobs.remove([location])
      expect(await codeOf(stores.blobs.commit(staged))).toBe('BLOB_UPLOAD_UNKNOWN')
    })

    it('refuses to commit bytes that are not all there', async () => {
      const staged = await stage(stores, bytesOf(1000, 5))
      expect(await codeOf(stores.blobs.commit({ ...staged, size: 1001 }))).toBe('BLOB_UPLOAD_INVALID')
    })

    it('says that bytes are gone', async () => {
      const location = await save(stores, bytesOf(10, 6))
      await stores.blobs.remove([location])
      expect(await codeOf(stores.blobs.open(location, 10))).toBe('BLOB_UNKNOWN')
      expect(await codeOf(stores.blobs.read(location))).toBe('BLOB_UNKNOWN')
      expect(await stores.blobs.stat(location)).toBeNull()
    })

    it('serves nothing of a damaged blob', async () => {
      const location = await save(stores, bytesOf(1000, 7))
      for (const size of [999, 1001, 0]) {
        expect(await codeOf(stores.blobs.open(location, size))).toBe('UNKNOWN')
      }
      expect(await codeOf(stores.blobs.open(location, 2000, { start: 0, end: 9 }))).toBe('UNKNOWN')
    })

    it('removes many in one call; what is already gone is no error', async () => {
      const locations = await Promise.all(Array.from({ length: 40 }, (_, n) => save(stores, bytesOf(n + 1, 8))))
      await stores.blobs.remove(locations)
      await stores.blobs.remove(locations)
      await stores.blobs.remove([])
      expect(await Promise.all(locations.map((location) => stores.blobs.stat(location)))).toEqual(
        locations.map(() => null),
      )
    })

    it('lists every blob once, with size and age', async () => {
      const made = await Promise.all([0, 5, 70_000].map((size) => save(stores, bytesOf(size, 9))))
      const listed = await all(stores.blobs.list())
      for (const [at, size] of [0, 5, 70_000].entries()) {
        const found = listed.filter(({ location }) => location === made[at])
        expect(found.map((entry) => entry.size)).toEqual([size])
        expect(Math.abs(Date.now() - found[0]!.modifiedAt)).toBeLessThan(120_000)
      }
    })

    it('lists in the order of locations, so that a list of the same can be laid beside it', async () => {
      for (let seed = 20; seed < 40; seed += 1) await save(stores, bytesOf(10, seed))
      const listed = (await all(stores.blobs.list())).map(({ location }) => location)
      expect(listed).toEqual([...listed].sort())
    })

    it('says of a range beyond the end of what was cut short that it is damaged', async () => {
      const location = await save(stores, bytesOf(1000, 41))
      const opening = stores.blobs.open(location, 5000, { start: 4000, end: 4999 })
      expect(await codeOf(opening)).toBe('UNKNOWN')
    })

    it('keeps sha512 blobs too', async () => {
      const bytes = bytesOf(4000, 10)
      const staged = await stage(stores, bytes, 'sha512')
      expect(staged.digest).toBe(digestOf(bytes, 'sha512'))
      expect(fingerprint(await load(stores, await stores.blobs.commit(staged)))).toBe(fingerprint(bytes))
    })

    it('reads, stats and removes nothing outside its place', async () => {
      const good = await save(stores, bytesOf(10, 11))
      const hostile = [
        '',
        '..',
        '../../etc/passwd',
        '/etc/passwd',
        `${good}/../../../../x`,
        `${good}\0`,
        'blobs/ä',
        `./${good}`,
      ]
      for (const location of hostile) {
        expect(await codeOf(stores.blobs.stat(location))).toBe('UNKNOWN')
        expect(await codeOf(stores.blobs.open(location, 10))).toBe('UNKNOWN')
        expect(await codeOf(stores.blobs.read(location))).toBe('UNKNOWN')
        expect(await codeOf(stores.blobs.remove([good, location]))).toBe('UNKNOWN')
      }
      expect(await stores.blobs.stat(good)).toBe(10)
    })

    it('answers a ping', async () => {
      await stores.blobs.ping()
    })
  })
}

/** What a client would get of a source. */
async function send(source: BlobSource, range?: { start: number; end: number }): Promise<Uint8Array> {
  if (source.kind === 'stream') return new Response(source.stream).bytes()
  if (source.kind === 'file')
    return Bun.file(source.path)
      .slice(source.range.start, source.range.end + 1)
      .bytes()
  const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {}
  return (await fetch(source.url, { headers })).bytes()
}
