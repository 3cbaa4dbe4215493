import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { expectBytes, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient, locationOf } from '../protocol/image-client.ts'
import { RawConnection } from '../protocol/raw-connection.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { blob } from '../protocol/samples.ts'
import { closeUpload, pushBlob } from '../protocol/uploads.ts'

const GRACE_SECONDS = 4

describe('a server that is asked to stop', () => {
  let server: Seawall
  let app: ImageClient
  let basic: string

  beforeEach(async () => {
    server = await startSeawall({ env: { SEAWALL_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS) } })
    app = new ImageClient(new RegistryClient(server.url, { user: 'admin', password: server.adminPassword }), 'stop/app')
    basic = `authorization: Basic ${btoa(`admin:${server.adminPassword}`)}`
  })
  afterEach(() => server.stop())

  /** Sends a chunk's head and first half, and waits until the server is at work on it. */
  async function beginChunk(bytes: Uint8Array) {
    const location = locationOf(await app.postUpload())
    const connection = await RawConnection.open(server.url)
    connection.head('PATCH', location.pathname, [basic, `content-length: ${bytes.length}`])
    connection.write(bytes.subarray(0, bytes.length / 2))
    await Bun.sleep(200)
    return { location, connection }
  }

  async function hasEnded(pid: number, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs
    for (;;) {
      try {
        process.kill(pid, 0)
      } catch {
        return true
      }
      if (Date.now() > deadline) return false
      await Bun.sleep(50)
    }
  }

  it('finishes what is in flight, takes nothing new, and ends', async () => {
    const made = blob(400_000)
    const { location, connection } = await beginChunk(made.bytes)
    process.kill(server.pid, 'SIGTERM')
    await Bun.sleep(300)
    const refused = await app.registry.askBare('GET', '/healthz').then(
      () => false,
      () => true,
    )
    expect(refused).toBe(true)
    connection.write(made.bytes.subarray(made.bytes.length / 2))
    expect((await connection.answer())?.status).toBe(202)
    connection.vanish()
    expect(await hasEnded(server.pid, 2_000)).toBe(true)

    await server.restart()
    expectStatus(await closeUpload(app, location, made.digest), 201)
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  })

  it('waits for a slow client only so long, and keeps what was acknowledged', async () => {
    const made = blob(400_000)
    await pushBlob(app, made.bytes, made.digest)
    const { connection } = await beginChunk(blob(400_000).bytes)
    process.kill(server.pid, 'SIGTERM')
    expect(await hasEnded(server.pid, (GRACE_SECONDS + 4) * 1000)).toBe(true)
    connection.vanish()
    await server.restart()
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  }, 30_000)

  it('ends at once when nobody is there, also by Ctrl-C', async () => {
    await app.registry.ask('GET', '/v2/')
    process.kill(server.pid, 'SIGINT')
    expect(await hasEnded(server.pid, 2_000)).toBe(true)
    await server.restart()
    expectStatus(await app.registry.ask('GET', '/v2/'), 200)
  })
})
