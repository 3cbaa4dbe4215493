import { describe, expect, it } from 'bun:test'
import { DIGEST_ALGORITHMS } from '../../src/core/digest.ts'
import { expectBytes, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { type ImageClient, locationOf } from './image-client.ts'
import type { Answer } from './registry-client.ts'
import { blob, type Content, randomBytes } from './samples.ts'
import { chunksOf, closeUpload, sendChunk } from './uploads.ts'

/** Asks how far an upload is (end-13), and checks the answer's form. */
async function expectProgress(image: ImageClient, location: URL, taken: number): Promise<URL> {
  const answer = await image.registry.ask('GET', location)
  expectStatus(answer, 204)
  expect(answer.headers.get('range')).toBe(rangeOf(taken))
  return locationOf(answer)
}

/** The last byte is included, so there is no true range for no byte: `0-0` is what clients know. */
function rangeOf(taken: number): string {
  return `0-${Math.max(0, taken - 1)}`
}

/** What a client may wrongly claim when `taken` bytes are there and the next chunk has `size`. */
const WRONG_STARTS = [
  { name: 'beyond the end', start: (taken: number, size: number) => taken + size },
  { name: 'one byte too far', start: (taken: number) => taken + 1 },
  { name: 'back at the beginning', start: (taken: number) => (taken === 0 ? 1 : 0) },
  { name: 'one byte back', start: (taken: number) => (taken === 0 ? 2 : taken - 1) },
] as const

const BAD_RANGES = ['0-', '-9', '9-0', 'x-y', '0-9-12', '', '0-99999999999999999999'] as const

type Wrong = (typeof WRONG_STARTS)[number]

/** Pushes a blob in three chunks, and before each sends it with a wrong start. */
async function pushClumsily({ push, pull }: Place, made: Content, wrong: Wrong, last: 'PATCH' | 'PUT'): Promise<void> {
  const begun = await push.postUpload()
  const chunks = chunksOf(made.bytes, begun)
  let location = locationOf(begun)
  let taken = 0
  for (const chunk of chunks) {
    const closing = chunk === chunks.at(-1) && last === 'PUT'
    const send = (start: number) =>
      closing
        ? sendChunk(push, location, chunk, start, 'PUT', made.digest)
        : sendChunk(push, location, chunk, start, 'PATCH')
    expectRefusal(await send(wrong.start(taken, chunk.length)), 416, 'RANGE_INVALID')
    location = await expectProgress(push, location, taken)
    const answer = await send(taken)
    taken += chunk.length
    expectStatus(answer, closing ? 201 : 202)
    expect(answer.headers.get('range')).toBe(closing ? null : rangeOf(taken))
    if (!closing) location = locationOf(answer)
  }
  if (last === 'PATCH') expectStatus(await closeUpload(push, location, made.digest), 201)
  expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
}

function outOfOrder(ground: Ground): void {
  const rows = DIGEST_ALGORITHMS.flatMap((algorithm) =>
    WRONG_STARTS.flatMap((wrong) => (['PATCH', 'PUT'] as const).map((last) => ({ algorithm, wrong, last }))),
  )
  for (const { algorithm, wrong, last } of rows) {
    it(`refuses a chunk ${wrong.name} and goes on (${algorithm}, last by ${last})`, () =>
      pushClumsily(ground.place(), blob(3067, algorithm), wrong, last))
  }
}

function badRanges(ground: Ground): void {
  it.each(BAD_RANGES.map((range) => [range]))('refuses the range "%s" and keeps the upload', async (range) => {
    const { push } = ground.place()
    const made = blob(10)
    const location = locationOf(await push.postUpload())
    const answer = await push.registry.ask('PATCH', location, { headers: { 'content-range': range }, body: made.bytes })
    expect([400, 416]).toContain(answer.status)
    const next = await expectProgress(push, location, 0)
    expectStatus(await closeUpload(push, next, made.digest, made.bytes), 201)
  })

  it('refuses a range that is longer or shorter than the bytes that came, and keeps none of them', async () => {
    const { push } = ground.place()
    const made = blob(100)
    const location = locationOf(await push.postUpload())
    for (const range of ['0-98', '0-100']) {
      const answer = await push.registry.ask('PATCH', location, {
        headers: { 'content-range': range },
        body: made.bytes,
      })
      expect([400, 416]).toContain(answer.status)
      await expectProgress(push, location, 0)
    }
    expectStatus(await closeUpload(push, location, made.digest, made.bytes), 201)
  })
}

function sessions(ground: Ground): void {
  it('begins with an address, an id and an empty range', async () => {
    const answer = await ground.place().push.postUpload()
    expectStatus(answer, 202)
    expect(answer.headers.get('range')).toBe('0-0')
    expect(answer.headers.get('content-length')).toBe('0')
    const id = answer.headers.get('docker-upload-uuid') ?? 'no id'
    expect(locationOf(answer).pathname).toContain(id)
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('takes one writer at a time, and counts every byte once', async () => {
    const { push, pull } = ground.place()
    const made = blob(3_000_000)
    const location = locationOf(await push.postUpload())
    const answers = await Promise.all(Array.from({ length: 4 }, () => sendChunk(push, location, made.bytes, 0)))
    const statuses = answers.map((answer) => answer.status).sort()
    expect(statuses.filter((status) => status === 202)).toEqual([202])
    for (const status of statuses.slice(1)) expect([409, 416]).toContain(status)
    expectStatus(await closeUpload(push, await expectProgress(push, location, made.bytes.length), made.digest), 201)
    expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
  })

  it('is gone after it was cancelled or closed', async () => {
    const { push } = ground.place()
    const isGone = (answer: Answer) => expectRefusal(answer, 404, 'BLOB_UPLOAD_UNKNOWN')
    const made = blob(10)
    const cancelled = locationOf(await push.postUpload())
    expectStatus(await push.registry.ask('PATCH', cancelled, { body: made.bytes }), 202)
    expectStatus(await push.registry.ask('DELETE', cancelled), 204)
    const closed = locationOf(await push.postUpload())
    expectStatus(await closeUpload(push, closed, made.digest, made.bytes), 201)
    for (const location of [cancelled, closed]) {
      isGone(await push.registry.ask('GET', location))
      isGone(await push.registry.ask('DELETE', location))
      isGone(await sendChunk(push, location, made.bytes, 0))
      isGone(await closeUpload(push, location, made.digest))
    }
  })

  it('belongs to the image that it was begun for', async () => {
    const [mine, other] = [ground.place().push, ground.place().push]
    const location = locationOf(await mine.postUpload())
    const elsewhere = new URL(location.href.replace(mine.name, other.name))
    expectRefusal(await other.registry.ask('GET', elsewhere), 404, 'BLOB_UPLOAD_UNKNOWN')
    expectRefusal(await closeUpload(other, elsewhere, blob(1).digest), 404, 'BLOB_UPLOAD_UNKNOWN')
    await expectProgress(mine, location, 0)
  })

  it.each(['0', 'not-an-id', crypto.randomUUID(), 'a'.repeat(3000)])('does not know the upload "%s"', async (id) => {
    const { push } = ground.place()
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const answer = await push.ask(method, `blobs/uploads/${id}`, method === 'PATCH' ? { body: randomBytes(3) } : {})
      expect([404, 414]).toContain(answer.status)
    }
  })

  it('goes on from the last acknowledged byte after the server was killed', async () => {
    const { push, pull } = ground.place()
    for (const algorithm of DIGEST_ALGORITHMS) {
      const made = blob(12_000_000, algorithm)
      const [first, second] = [made.bytes.slice(0, 7_000_001), made.bytes.slice(7_000_001)]
      const begun = await sendChunk(push, locationOf(await push.postUpload()), first, 0)
      expectStatus(begun, 202)
      await ground.server.kill()
      await ground.server.restart()
      const location = await expectProgress(push, locationOf(begun), first.length)
      expectStatus(await sendChunk(push, location, second, first.length), 202)
      await ground.server.kill()
      await ground.server.restart()
      expectStatus(await closeUpload(push, location, made.digest), 201)
      expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
    }
  })
}

/** Uploads in pieces: order, ranges, status, cancelling, and going on after a crash. */
export function chunksSuite(ground: Ground): void {
  describe('an upload', () => {
    sessions(ground)
    outOfOrder(ground)
    badRanges(ground)
  })
}
