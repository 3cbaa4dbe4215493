import { describe, expect, it } from 'bun:test'
import { expectBytes, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { type ImageClient, locationOf } from './image-client.ts'
import { RawConnection } from './raw-connection.ts'
import { blob, image, randomBytes, TYPES } from './samples.ts'
import { closeUpload, pushBlob } from './uploads.ts'

/** Waits until an upload has no writer any more, and answers how many bytes it has. */
async function taken(push: ImageClient, location: URL): Promise<number> {
  const answer = await push.registry.ask('GET', location)
  expectStatus(answer, 204)
  const last = Number(answer.headers.get('range')?.slice(2))
  return last === 0 ? 0 : last + 1
}

/** Sends what is left until the server has let go of the connection that broke; clients do the same. */
async function retry(send: () => Promise<{ status: number }>): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const { status } = await send()
    if (attempt === 50 || (status !== 409 && status !== 416 && status !== 503)) return status
    await Bun.sleep(100)
  }
}

/** Clients that stop in the middle, lie about lengths, or vanish: nothing half-done is kept, nothing hangs. */
export function brokenClientsSuite(ground: Ground): void {
  const basic = () => `authorization: Basic ${btoa(`admin:${ground.server.adminPassword}`)}`
  const target = (location: URL) => location.pathname + location.search

  describe('a client that', () => {
    it.each(['vanish', 'finish'] as const)('stops in the middle of a chunk (%s) can go on', async (way) => {
      const { push, pull } = ground.place()
      const made = blob(2_000_000)
      const location = locationOf(await push.postUpload())
      const connection = await RawConnection.open(ground.server.url)
      connection.head('PATCH', target(location), [basic(), `content-length: ${made.bytes.length}`])
      connection.write(made.bytes.subarray(0, 700_000))
      await Bun.sleep(200)
      connection[way]()
      await Bun.sleep(200)
      const status = await retry(async () => {
        const from = await taken(push, location)
        const rest = made.bytes.slice(from)
        const headers = { 'content-range': `${from}-${made.bytes.length - 1}` }
        return push.registry.ask('PATCH', location, { headers, body: rest })
      })
      expect(status).toBe(202)
      expectStatus(await closeUpload(push, location, made.digest), 201)
      expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
      connection.vanish()
    })

    it('stops in the middle of the closing PUT leaves no blob', async () => {
      const { push, pull } = ground.place()
      const made = blob(1_000_000)
      const location = locationOf(await push.postUpload())
      const connection = await RawConnection.open(ground.server.url)
      const address = `${target(location)}${location.search ? '&' : '?'}digest=${made.digest}`
      connection.head('PUT', address, [basic(), `content-length: ${made.bytes.length}`])
      connection.write(made.bytes.subarray(0, 999_999))
      await Bun.sleep(200)
      connection.vanish()
      await Bun.sleep(200)
      expectStatus(await pull.blob('HEAD', made.digest), 404)
    })

    it('stops in the middle of a manifest leaves no manifest', async () => {
      const { push, pull } = ground.place()
      const made = await image()
      for (const one of made.blobs) await pushBlob(push, one.bytes, one.digest)
      const length = made.manifest.bytes.length
      const headers = [basic(), `content-type: ${TYPES.image}`, `content-length: ${length + 10}`]
      const connection = await RawConnection.open(ground.server.url)
      connection.head('PUT', `/v2/${push.name}/manifests/cut`, headers)
      connection.write(made.manifest.bytes)
      await Bun.sleep(200)
      connection.vanish()
      await Bun.sleep(200)
      expectStatus(await pull.manifest('HEAD', 'cut'), 404)
    })

    it('breaks off the last chunk of a chunked body has not ended it', async () => {
      const { push } = ground.place()
      const location = locationOf(await push.postUpload())
      const connection = await RawConnection.open(ground.server.url)
      connection.head('PATCH', target(location), [basic(), 'transfer-encoding: chunked'])
      connection.write(new TextEncoder().encode('400\r\n'))
      connection.write(randomBytes(0x400))
      connection.write(new TextEncoder().encode('\r\n400\r\nonly a few'))
      await Bun.sleep(200)
      connection.finish()
      const answer = await connection.answer()
      if (answer !== null) expect(answer.status).toBeGreaterThanOrEqual(400)
      connection.vanish()
      const made = blob(10)
      const status = await retry(async () => {
        const from = await taken(push, location)
        // What came may be kept or not, but what is counted must be what is hashed: the upload is closed by nothing else.
        return from === 0 ? closeUpload(push, location, made.digest, made.bytes) : { status: 201 }
      })
      expect(status).toBe(201)
    })

    it.each([
      ['two lengths', ['content-length: 3', 'content-length: 4']],
      ['a length and chunks', ['content-length: 3', 'transfer-encoding: chunked']],
      ['a negative length', ['content-length: -1']],
      ['a length that is no number', ['content-length: three']],
      ['an encoding that nobody knows', ['transfer-encoding: gzip, chunked']],
    ] as const)('says %s is not believed', async (_, lines) => {
      const { push } = ground.place()
      const location = locationOf(await push.postUpload())
      const connection = await RawConnection.open(ground.server.url)
      connection.head('PATCH', target(location), [basic(), ...lines])
      connection.write(new TextEncoder().encode('3\r\nabc\r\n0\r\n\r\n'))
      const answer = await connection.answer()
      connection.vanish()
      if (answer !== null) expect(answer.status).toBeGreaterThanOrEqual(400)
    })

    it('reads slowly or not at all harms nobody else', async () => {
      const { push, pull } = ground.place()
      const made = blob(20_000_000)
      await pushBlob(push, made.bytes, made.digest)
      const lazy = await Promise.all(Array.from({ length: 8 }, () => RawConnection.open(ground.server.url)))
      for (const connection of lazy) connection.head('GET', `/v2/${push.name}/blobs/${made.digest}`, [basic()])
      expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
      for (const connection of lazy) connection.vanish()
      expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
    })
  })
}
