import { afterAll, beforeAll, expect, it } from 'bun:test'
import { BACKINGS, type Backing, type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { expectBytes, expectContentHeaders, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient, locationOf } from '../protocol/image-client.ts'
import { jsonOf, RegistryClient } from '../protocol/registry-client.ts'
import { blob, type Content, type Descriptor, image, layer } from '../protocol/samples.ts'
import { closeUpload, sendChunk, UPLOAD_WAYS } from '../protocol/uploads.ts'

const ROUNDS = 5
const PUSHERS = 6
const MOST_ROUND_MS = 900
const CLAIM_PATIENCE_MS = 20_000

/** What the server has said yes to; none of it may ever be gone. */
interface Promised {
  readonly blobs: Map<string, Content>
  readonly manifests: Map<string, Content>
  /** Uploads under way: every byte that was acknowledged. */
  readonly uploads: { location: URL; made: Content; acknowledged: number }[]
}

/** Pushes images until the server dies under it; notes what was acknowledged, and only that. */
async function pushUntilKilled(app: ImageClient, promised: Promised, isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    const layers = [await layer(), blob(150_000 + turn, 'sha256', 'application/vnd.oci.image.layer.v1.tar')]
    const made = await image({ layers })
    for (const [at, one] of made.blobs.entries()) {
      const way = UPLOAD_WAYS[(turn + at) % UPLOAD_WAYS.length]
      const answer = await way?.push(app, one.bytes, one.digest)
      if (answer?.status !== 201) return
      promised.blobs.set(one.digest, one)
    }
    const answer = await app.putManifest(`t${turn}`, made.manifest)
    if (answer.status !== 201) return
    promised.manifests.set(made.manifest.digest, made.manifest)
  }
}

/** Sends one large blob in chunks until the server dies under it. */
async function uploadUntilKilled(app: ImageClient, promised: Promised, isOver: () => boolean): Promise<void> {
  const made = blob(4_000_000)
  const begun = await app.postUpload()
  const upload = { location: locationOf(begun), made, acknowledged: 0 }
  promised.uploads.push(upload)
  const step = 130_001
  while (!isOver() && upload.acknowledged < made.bytes.length) {
    const chunk = made.bytes.slice(upload.acknowledged, upload.acknowledged + step)
    const answer = await sendChunk(app, upload.location, chunk, upload.acknowledged)
    if (answer.status !== 202) return
    upload.acknowledged += chunk.length
  }
}

async function expectKept(app: ImageClient, promised: Promised): Promise<void> {
  for (const one of promised.blobs.values()) expectBytes((await app.blob('GET', one.digest)).bytes, one.bytes)
  for (const one of promised.manifests.values()) {
    const answer = await app.manifest('GET', one.digest)
    expectContentHeaders(answer, one)
    expectBytes(answer.bytes, one.bytes)
  }
}

/** Every tag leads to a manifest, and every manifest to its blobs: also what was never acknowledged is whole or absent. */
async function expectWhole(app: ImageClient): Promise<void> {
  const list = await app.tags()
  if (list.status === 404) return
  for (const tag of jsonOf<{ tags: string[] }>(list).tags) {
    const answer = await app.manifest('GET', tag)
    expectStatus(answer, 200)
    const { config, layers } = jsonOf<{ config: Descriptor; layers: Descriptor[] }>(answer)
    for (const one of [config, ...layers]) expectStatus(await app.blob('HEAD', one.digest), 200)
  }
}

/** With several replicas nobody can know that a writer is dead before its claim has ended. */
async function sendOnceFree(app: ImageClient, location: URL, rest: Uint8Array<ArrayBuffer>, from: number) {
  const deadline = Date.now() + CLAIM_PATIENCE_MS
  for (;;) {
    const answer = await sendChunk(app, location, rest, from)
    if (answer.status !== 416 || Date.now() > deadline) return answer
    await Bun.sleep(500)
  }
}

async function finishUploads(app: ImageClient, promised: Promised): Promise<void> {
  for (const { location, made, acknowledged } of promised.uploads) {
    const status = await app.registry.ask('GET', location)
    expectStatus(status, 204)
    const last = Number(status.headers.get('range')?.slice(2))
    const taken = last === 0 ? 0 : last + 1
    // What the server had taken but could not say any more may be there or not.
    expect(taken).toBeGreaterThanOrEqual(acknowledged)
    const rest = made.bytes.slice(taken)
    if (rest.length > 0) expectStatus(await sendOnceFree(app, location, rest, taken), 202)
    expectStatus(await closeUpload(app, location, made.digest), 201)
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  }
}

function killingTests(name: BackingName): void {
  describeWith(programsOf(name), `a server on ${name} that is killed in the middle of pushes`, () => {
    let backing: Backing
    let server: Seawall
    let app: ImageClient

    beforeAll(async () => {
      backing = await startBacking(name)
      server = await startSeawall({ env: backing.env })
      app = new ImageClient(
        new RegistryClient(server.url, { user: 'admin', password: server.adminPassword }),
        'torture/app',
      )
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
      await backing?.stop()
    })

    it('has everything that it said yes to, and nothing by halves', async () => {
      const promised: Promised = { blobs: new Map(), manifests: new Map(), uploads: [] }
      for (let round = 0; round < ROUNDS; round++) {
        let isOver = false
        const isDone = () => isOver
        const workers = [
          ...Array.from({ length: PUSHERS }, () => pushUntilKilled(app, promised, isDone)),
          ...Array.from({ length: 2 }, () => uploadUntilKilled(app, promised, isDone)),
        ].map((worker) => worker.catch(() => {})) // a connection that breaks is what this is about
        await Bun.sleep(100 + Math.random() * MOST_ROUND_MS)
        await server.kill()
        isOver = true
        await Promise.all(workers)
        await server.restart()
        await expectKept(app, promised)
        await expectWhole(app)
      }
      expect(promised.manifests.size).toBeGreaterThan(ROUNDS)
      await finishUploads(app, promised)
    }, 120_000)
  })
}

for (const name of BACKINGS) killingTests(name)
