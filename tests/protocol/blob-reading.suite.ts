import { beforeAll, describe, expect, it } from 'bun:test'
import { expectBytes, expectContentHeaders, expectStatus } from './expect-answer.ts'
import type { Place, ReadingGround } from './ground.ts'
import { blob, type Content, content } from './samples.ts'
import { pushBlob } from './uploads.ts'

const SIZE = 2048

/** What comes back for a range of a blob of 2,048 bytes (RFC 9110, 14.1.2 and 14.2). */
const RANGES: readonly { range: string; part?: readonly [first: number, last: number]; status: 200 | 206 | 416 }[] = [
  { range: 'bytes=0-0', part: [0, 0], status: 206 },
  { range: 'bytes=500-1499', part: [500, 1499], status: 206 },
  { range: 'bytes=500-', part: [500, 2047], status: 206 },
  { range: 'bytes=-500', part: [1548, 2047], status: 206 },
  { range: 'bytes=-5000', part: [0, 2047], status: 206 },
  { range: 'bytes=2000-5000', part: [2000, 2047], status: 206 },
  { range: 'bytes=0-', part: [0, 2047], status: 206 },
  { range: 'bytes=2047-', part: [2047, 2047], status: 206 },
  { range: 'bytes=2047-99999999999999999999', part: [2047, 2047], status: 206 },
  { range: 'bytes=500-0', status: 416 },
  { range: 'bytes=5000-10000', status: 416 },
  { range: 'bytes=2048-', status: 416 },
  { range: 'bytes=-0', status: 416 },
  // A unit that is not known is passed over.
  { range: 'lines=1-2', status: 200 },
]

function rangeTests(current: () => { place: Place; made: Content }): void {
  for (const { range, part, status } of RANGES) {
    it(`answers ${status} to ${range}`, async () => {
      const { place, made } = current()
      const answer = await place.pull.blob('GET', made.digest, { range })
      expectStatus(answer, status)
      if (status === 416) return expect(answer.headers.get('content-range')).toBe(`bytes */${SIZE}`)
      const [first, last] = part ?? [0, SIZE - 1]
      expect(answer.headers.get('content-range')).toBe(status === 206 ? `bytes ${first}-${last}/${SIZE}` : null)
      expect(answer.headers.get('content-length')).toBe(String(last - first + 1))
      expectBytes(answer.bytes, made.bytes.subarray(first, last + 1))
    })
  }

  it('answers a range only while the blob is the one that the client means', async () => {
    const { place, made } = current()
    const range = { range: 'bytes=0-9' }
    const etag = (await place.pull.blob('HEAD', made.digest)).headers.get('etag') ?? ''
    expectStatus(await place.pull.blob('GET', made.digest, { ...range, 'if-range': etag }), 206)
    expectStatus(await place.pull.blob('GET', made.digest, { ...range, 'if-range': '"something else"' }), 200)
  })

  it('has nothing to give from an empty blob', async () => {
    const { place } = current()
    const empty = blob(0)
    await pushBlob(place.push, empty.bytes, empty.digest)
    expectContentHeaders(await place.pull.blob('GET', empty.digest), empty)
    expectStatus(await place.pull.blob('GET', empty.digest, { range: 'bytes=0-0' }), 416)
  })
}

/** Headers that tell of content, not of the moment of the answer. */
function told(headers: Headers): Record<string, string> {
  const passing = ['date', 'x-request-id', 'keep-alive', 'connection', 'transfer-encoding', 'last-modified']
  return Object.fromEntries([...headers].filter(([name]) => !passing.includes(name)))
}

/** Blobs as they are read: ranges, conditions, and HEAD as the image of GET. */
export function blobReadingSuite(ground: ReadingGround): void {
  describe('reading a blob', () => {
    let place: Place
    let made: Content
    beforeAll(async () => {
      place = ground.place()
      made = blob(SIZE)
      await pushBlob(place.push, made.bytes, made.digest)
      await place.pull.blob('GET', made.digest)
    })
    rangeTests(() => ({ place, made }))

    it('says by HEAD what it says by GET', async () => {
      const [head, get] = [await place.pull.blob('HEAD', made.digest), await place.pull.blob('GET', made.digest)]
      expect(told(head.headers)).toEqual(told(get.headers))
      expect(get.headers.get('accept-ranges')).toBe('bytes')
      expect(get.headers.get('content-type')).toBe('application/octet-stream')
    })

    it('sends nothing to a client that has the blob', async () => {
      const etag = (await place.pull.blob('HEAD', made.digest)).headers.get('etag') ?? ''
      expect(etag).toContain(made.digest)
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await place.pull.blob(method, made.digest, { 'if-none-match': `"other", ${etag}` })
        expectStatus(answer, 304)
        expect(answer.bytes.length).toBe(0)
      }
      expectStatus(await place.pull.blob('GET', made.digest, { 'if-none-match': '"other"' }), 200)
    })

    it('never compresses: the digest is over what is sent', async () => {
      const text = content('application/octet-stream', 'compressible '.repeat(10_000))
      await pushBlob(place.push, text.bytes, text.digest)
      const answer = await place.pull.blob('GET', text.digest, { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8' })
      expect(answer.headers.get('content-encoding')).toBeNull()
      expectBytes(answer.bytes, text.bytes)
    })
  })
}
