import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { programsOf } from '../harness/backing.ts'
import { type Cluster, startProcesses, startReplicas } from '../harness/cluster.ts'
import { type CuttingProxy, startCuttingProxy } from '../harness/cutting-proxy.ts'
import { describeWith, findProgram, program } from '../harness/program.ts'
import { type Finished, run } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { makeImage, writeLayout } from '../harness/test-image.ts'
import { type Chance, chanceOf, rounds } from '../harness/torture.ts'
import { expectBytes, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient, locationOf } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { blob, image, type SampleImage } from '../protocol/samples.ts'
import { closeUpload, sendChunk } from '../protocol/uploads.ts'
import { RetryingClient } from './retrying-client.ts'

const MEGABYTE = 1024 * 1024
const CLIENTS = 6
const TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** Every one of three clients' images, pushed while processes are killed and come back. */
async function pushWhileKilling(cluster: Cluster, chance: Chance, kills: number): Promise<void> {
  let isOver = false
  let retries = 0
  const client = (name: string) => new RetryingClient(cluster.host, cluster.adminPassword, name)
  const pushed: { name: string; tag: string; made: SampleImage }[] = []
  const clients = Array.from({ length: CLIENTS }, async (_, at) => {
    const own = chance.fork()
    const name = `torture/app-${at % 3}`
    const app = client(name)
    for (let turn = 0; !isOver || turn === 0; turn++) {
      const made = await image({ layers: [blob(100_000 + own.below(400_000), 'sha256', `${TYPE}.tar`), blob(2_000)] })
      for (const one of made.blobs) await app.pushBlob(one, 1 + own.below(4))
      await app.putManifest(`t${at}-${turn}`, made.manifest)
      pushed.push({ name, tag: `t${at}-${turn}`, made })
    }
    retries += app.retries
  })
  const all = Promise.all(clients)
  for (let kill = 0; kill < kills; kill++) {
    await Promise.race([all, Bun.sleep(200 + chance.below(600))])
    await cluster.killOne(chance.below(3))
  }
  isOver = true
  await all
  console.log(`${pushed.length} images pushed, ${kills} processes killed, ${retries} steps done again`)
  expect(pushed.length).toBeGreaterThanOrEqual(CLIENTS)
  for (const { name, tag, made } of pushed) {
    const app = client(name)
    expectBytes(await app.manifest(tag, TYPE), made.manifest.bytes)
    for (const one of made.blobs) expectBytes(await app.blob(one.digest), one.bytes)
  }
}

/** Pushes with real clients, which a person calls once more when they gave up. @returns how often each was called */
async function pushWithPrograms(cluster: Cluster, chance: Chance): Promise<void> {
  const home = await temporaryFolder('clients')
  const layout = await mkdtemp(join(home, 'image-'))
  await writeLayout(layout, await makeImage([3_000_000, 1_500_000]), 'it')
  const credentials = `admin:${cluster.adminPassword}`
  const env = { HOME: home, DOCKER_CONFIG: home, TMPDIR: home }
  const ways: Record<string, (to: string) => Promise<Finished>> = {
    skopeo: (to) => {
      const to_ = ['--retry-times', '3', '--dest-tls-verify=false', '--dest-creds', credentials]
      return run([program('skopeo'), '--insecure-policy', 'copy', ...to_, `oci:${layout}:it`, `docker://${to}`], {
        env,
      })
    },
    crane: (to) => run([program('crane'), '--insecure', 'push', layout, to], { env }),
  }
  if (findProgram('crane')) {
    const words = ['auth', 'login', cluster.host, '-u', 'admin', '-p', cluster.adminPassword]
    expect((await run([program('crane'), ...words], { env })).code).toBe(0)
  }
  try {
    const pushes = Object.entries(ways)
      .filter(([name]) => findProgram(name))
      .flatMap(([name, push]) => [0, 1, 2].map((n) => untilDone(() => push(`${cluster.host}/real/${name}:v${n}`))))
    for (let kill = 0; kill < 2; kill++) {
      await Bun.sleep(chance.below(400))
      await cluster.killOne(chance.below(3))
    }
    await Promise.all(pushes)
    for (const name of Object.keys(ways).filter(findProgram)) {
      const app = new RetryingClient(cluster.host, cluster.adminPassword, `real/${name}`)
      for (const n of [0, 1, 2]) expect((await app.manifest(`v${n}`, TYPE)).length).toBeGreaterThan(100)
    }
  } finally {
    await removeFolder(home)
  }
}

/** @throws Error with what it said when it fails five times */
async function untilDone(attempt: () => Promise<Finished>): Promise<void> {
  for (let calls = 1; ; calls++) {
    const { code, stdout, stderr } = await attempt()
    if (code === 0) return
    if (calls === 5) throw new Error(`${stdout}${stderr}`)
    await Bun.sleep(300)
  }
}

function killingTests(name: string, part: string, programs: readonly string[], start: () => Promise<Cluster>): void {
  describeWith(programs, name, () => {
    let cluster: Cluster
    let chance: Chance
    beforeAll(async () => {
      cluster = await start()
      chance = chanceOf(part)
    }, 120_000)
    afterAll(() => cluster?.stop(), 60_000)

    it('lose nothing when one is killed in the middle of pushes: clients try again and succeed', async () => {
      await pushWhileKilling(cluster, chance, rounds(3, 60))
    }, 600_000)

    it('take the pushes of real clients while one is killed', async () => {
      await pushWithPrograms(cluster, chance)
    }, 180_000)
  })
}

killingTests('three replicas on PostgreSQL and S3', 'replicas-s3', programsOf('postgres-s3'), () =>
  startReplicas('postgres-s3'),
)
killingTests('three replicas on PostgreSQL and one disk', 'replicas-disk', [], () => startReplicas('postgres-disk'))
killingTests('three processes of one server on SQLite and the disk', 'processes', [], startProcesses)

/** The check of what is stored reads too, at a pace of its own. */
const NOT_READING = { SEAWALL_UPKEEP_SCRUB_BYTES_PER_SECOND: '0' }

/** An upload whose requests go to each of three replicas in turn. */
async function uploadInTurn(cluster: Cluster, bytes: Uint8Array<ArrayBuffer>, digest: string, chunks: number) {
  const user = { user: 'admin', password: cluster.adminPassword }
  const apps = cluster.urls.map((url) => new ImageClient(new RegistryClient(url, user), 'turns/app'))
  const app = (turn: number) => apps[turn % apps.length] as ImageClient // there are three
  const at = (turn: number, location: URL) => new URL(location.pathname + location.search, app(turn).registry.url)
  let location = locationOf(await app(0).postUpload())
  const step = Math.ceil(bytes.length / chunks)
  let turn = 1
  for (let from = 0; from < bytes.length; from += step, turn++) {
    const answer = await sendChunk(app(turn), at(turn, location), bytes.slice(from, from + step), from)
    expectStatus(answer, 202)
    location = locationOf(answer)
  }
  expectStatus(await closeUpload(app(turn), at(turn, location), digest), 201)
  return app(turn + 1)
}

describeWith(programsOf('postgres-s3'), 'an upload that goes over three replicas and an object store', () => {
  let cluster: Cluster
  let proxy: CuttingProxy
  beforeAll(async () => {
    // It never cuts; it counts what the store gives to the replicas.
    cluster = await startReplicas('postgres-s3', async (env) => {
      const [where = '', query = ''] = (env.SEAWALL_STORE ?? '').split('?')
      const settings = new URLSearchParams(query)
      const endpoint = new URL(settings.get('endpoint') ?? '')
      proxy = await startCuttingProxy(endpoint.host, { direction: 'down', afterBytes: Number.POSITIVE_INFINITY })
      settings.set('endpoint', `http://${proxy.host}`)
      return { ...NOT_READING, SEAWALL_STORE: `${where}?${settings}` }
    })
  }, 120_000)
  afterAll(async () => {
    await cluster?.stop()
    await proxy?.stop()
  }, 60_000)

  it('reads no byte again in the usual way: POST, one PATCH, an empty PUT', async () => {
    const made = blob(20 * MEGABYTE)
    const before = proxy.bytes
    const app = await uploadInTurn(cluster, made.bytes, made.digest, 1)
    expect(proxy.bytes - before).toBeLessThan(64 * 1024)
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  }, 60_000)

  it('reads what it has once in the end, and less than a part at each change, when each chunk goes to another replica', async () => {
    const made = blob(24 * MEGABYTE + 11)
    const before = proxy.bytes
    const app = await uploadInTurn(cluster, made.bytes, made.digest, 8)
    // The whole once, at the end; and at each request the tail before it, which is less than a part of 8 MiB.
    const read = proxy.bytes - before
    console.log(
      `${Math.round(read / MEGABYTE)} MiB read again of ${Math.round(made.bytes.length / MEGABYTE)} MiB in 8 chunks`,
    )
    expect(read).toBeLessThan(made.bytes.length + 7 * 8 * MEGABYTE)
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  }, 60_000)
})

describe('an upload that goes over three replicas and one disk', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startReplicas('postgres-disk', async () => NOT_READING)
  }, 120_000)
  afterAll(() => cluster?.stop(), 60_000)

  /** Bytes that the replicas have read from files: what comes by the network is received, not read. */
  const bytesRead = () =>
    cluster.pids().reduce((sum, pid) => {
      return sum + Number(/^rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
    }, 0)

  it('reads no byte again in the usual way: POST, one PATCH, an empty PUT', async () => {
    const made = blob(20 * MEGABYTE)
    const before = bytesRead()
    const app = await uploadInTurn(cluster, made.bytes, made.digest, 1)
    expect(bytesRead() - before).toBeLessThan(MEGABYTE)
    expectBytes((await app.blob('GET', made.digest)).bytes, made.bytes)
  }, 60_000)

  it('reads what it has once at each change of the replica', async () => {
    const made = blob(20 * MEGABYTE)
    const before = bytesRead()
    await uploadInTurn(cluster, made.bytes, made.digest, 4)
    // 0 + 5 + 10 + 15 of 20 MiB: each replica has hashed only its own chunk.
    const read = bytesRead() - before
    console.log(`${Math.round(read / MEGABYTE)} MiB read again of 20 MiB in 4 chunks`)
    expect(read).toBeLessThan(31 * MEGABYTE)
  }, 60_000)
})
