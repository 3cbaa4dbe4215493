import { afterAll, beforeAll, expect, it } from 'bun:test'
import { type Backing, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { expectBytes, expectContentHeaders, expectStatus } from './expect-answer.ts'
import { ImageClient } from './image-client.ts'
import { RegistryClient } from './registry-client.ts'
import { blob, type Content } from './samples.ts'
import { pushBlob } from './uploads.ts'

describeWith(programsOf('postgres-s3'), 'a store that clients are sent to', () => {
  let backing: Backing
  let server: Seawall
  let app: ImageClient
  let made: Content

  beforeAll(async () => {
    backing = await startBacking('postgres-s3')
    server = await startSeawall({
      env: { ...backing.env, SEAWALL_STORE: `${backing.env.SEAWALL_STORE}&redirect=true` },
    })
    app = new ImageClient(new RegistryClient(server.url, { user: 'admin', password: server.adminPassword }), 'far/app')
    made = blob(6_000_000)
    await pushBlob(app, made.bytes, made.digest)
  }, 120_000)

  afterAll(async () => {
    await server?.stop()
    await backing?.stop()
  })

  it('gives a blob over a link that names its digest and holds none of our credentials', async () => {
    const answer = await app.registry.ask('GET', `/v2/${app.name}/blobs/${made.digest}`, { redirect: 'manual' })
    expectStatus(answer, 307)
    expect(answer.headers.get('docker-content-digest')).toBe(made.digest)
    const link = new URL(answer.headers.get('location') ?? '')
    expect(link.origin).not.toBe(new URL(server.url).origin)
    expect(link.href).not.toContain(server.adminPassword)
    const got = await fetch(link)
    expect(got.headers.get('content-length')).toBe(String(made.bytes.length))
    expectBytes(await got.bytes(), made.bytes)
  })

  it('gives whole blobs and ranges to a client that follows', async () => {
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
    const part = await app.blob('GET', made.digest, { range: 'bytes=1000-1999' })
    expectStatus(part, 206)
    expect(part.headers.get('content-range')).toBe(`bytes 1000-1999/${made.bytes.length}`)
    expectBytes(part.bytes, made.bytes.subarray(1000, 2000))
    expectStatus(await app.blob('GET', made.digest, { range: 'bytes=6000000-' }), 416)
  })

  it('answers HEAD and conditions itself', async () => {
    const head = await app.registry.ask('HEAD', `/v2/${app.name}/blobs/${made.digest}`, { redirect: 'manual' })
    expectContentHeaders(head, made)
    expectStatus(await app.blob('GET', made.digest, { 'if-none-match': `"${made.digest}"` }), 304)
  })

  it('is closed to links that nobody signed', async () => {
    const answer = await app.registry.ask('GET', `/v2/${app.name}/blobs/${made.digest}`, { redirect: 'manual' })
    const link = new URL(answer.headers.get('location') ?? '')
    expect((await fetch(link.origin + link.pathname)).status).toBe(403)
  })
})
