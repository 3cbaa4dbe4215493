import { afterAll, beforeAll, expect, it } from 'bun:test'
import { join } from 'node:path'
import { type Backing, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { expectBytes, expectContentHeaders, expectStatus } from './expect-answer.ts'
import { ImageClient, locationOf } from './image-client.ts'
import { jsonOf, RegistryClient } from './registry-client.ts'
import { blob, image } from './samples.ts'
import { closeUpload, pushBlob, sendChunk } from './uploads.ts'

const MEGABYTE = 1024 * 1024

describeWith(programsOf('postgres-s3'), 'two replicas on one database and one object store', () => {
  const password = `test-${crypto.randomUUID()}`
  let folder: string
  let backing: Backing
  let servers: [Seawall, Seawall]
  let apps: [ImageClient, ImageClient]

  beforeAll(async () => {
    backing = await startBacking('postgres-s3')
    // Replicas have one configuration, so they agree on the administrator's password.
    folder = await temporaryFolder('replicas')
    const passwordFile = join(folder, 'admin-password')
    await Bun.write(passwordFile, password)
    const env = { ...backing.env, SEAWALL_ADMIN_PASSWORD_FILE: passwordFile }
    const [first, second] = [await startSeawall({ env }), await startSeawall({ env })]
    servers = [first, second]
    const user = { user: 'admin', password }
    const name = 'shared/app'
    apps = [
      new ImageClient(new RegistryClient(first.url, user), name),
      new ImageClient(new RegistryClient(second.url, user), name),
    ]
  }, 120_000)

  afterAll(async () => {
    for (const server of servers ?? []) await server.stop()
    await backing?.stop()
    await removeFolder(folder)
  })

  /** The same upload, as the other replica has it. */
  const at = (replica: number, location: URL) => new URL(location.pathname + location.search, servers[replica]?.url)
  const app = (replica: number) => (replica % 2 === 0 ? apps[0] : apps[1])

  it('carry on each other’s uploads, chunk by chunk', async () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const made = blob(17 * MEGABYTE + 13, algorithm)
      const step = 3 * MEGABYTE + 1
      let location = locationOf(await app(0).postUpload())
      for (let start = 0, turn = 1; start < made.bytes.length; start += step, turn++) {
        const answer = await sendChunk(app(turn), at(turn % 2, location), made.bytes.slice(start, start + step), start)
        expectStatus(answer, 202)
        location = locationOf(answer)
        const status = await app(turn + 1).registry.ask('GET', at((turn + 1) % 2, location))
        expect(status.headers.get('range')).toBe(answer.headers.get('range'))
      }
      expectStatus(await closeUpload(app(1), at(1, location), made.digest), 201)
      expectBytes((await app(0).blob('GET', made.digest)).bytes, made.bytes)
    }
  }, 60_000)

  it('see at once what the other was given, and lose at once what it deletes', async () => {
    for (let turn = 0; turn < 6; turn++) {
      const [here, there] = [app(turn), app(turn + 1)]
      const made = await image()
      for (const one of made.blobs) await pushBlob(here, one.bytes, one.digest)
      expectStatus(await there.putManifest('moving', made.manifest), 201)
      expectContentHeaders(await here.manifest('GET', 'moving'), made.manifest)
      expect(jsonOf<{ tags: string[] }>(await here.tags()).tags).toContain('moving')
      expectStatus(await here.manifest('DELETE', made.manifest.digest), 202)
      expectStatus(await there.manifest('GET', 'moving'), 404)
      expectStatus(await there.manifest('GET', made.manifest.digest), 404)
      for (const one of made.blobs) {
        expectStatus(await there.blob('DELETE', one.digest), 202)
        expectStatus(await here.blob('GET', one.digest), 404)
      }
    }
  })

  it('believe each other’s tokens', async () => {
    const [first, second] = servers
    const realm = `${first.url}/token?service=seawall&scope=repository:shared/app:pull,push`
    const headers = { authorization: `Basic ${btoa(`admin:${password}`)}` }
    const { token }: { token: string } = JSON.parse(await (await fetch(realm, { headers })).text())
    const bearer = new ImageClient(new RegistryClient(second.url, { bearer: token }), 'shared/app')
    expectStatus(await bearer.postUpload(), 202)
  })

  it('keep one writer at a time to an upload between them', async () => {
    const made = blob(5 * MEGABYTE)
    const location = locationOf(await app(0).postUpload())
    const answers = await Promise.all(
      [0, 1, 0, 1].map((turn) => sendChunk(app(turn), at(turn, location), made.bytes, 0)),
    )
    expect(answers.filter((answer) => answer.status === 202).length).toBe(1)
    expectStatus(await closeUpload(app(1), at(1, location), made.digest), 201)
    expectBytes((await app(0).blob('GET', made.digest)).bytes, made.bytes)
  })
})
