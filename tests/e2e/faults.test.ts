import { Database as SqliteFile } from 'bun:sqlite'
import { afterEach, describe, expect, it } from 'bun:test'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tarOf } from '../fixtures/tar.ts'
import { freePort } from '../harness/free-port.ts'
import { scannedImage } from '../harness/management.ts'
import { startPostgres } from '../harness/postgres.ts'
import { describeWith, findProgram } from '../harness/program.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { S3_PROGRAM, startS3 } from '../harness/s3.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { expectBytes, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient, locationOf } from '../protocol/image-client.ts'
import { RawConnection } from '../protocol/raw-connection.ts'
import { type Answer, errorCodes, RegistryClient } from '../protocol/registry-client.ts'
import { blob, content, image, type SampleImage, TYPES } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'

const MIB = 1024 * 1024
const SLOW_MS = 60_000

/** What a test has opened, closed in the order that suits it, whatever happened. */
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
}, SLOW_MS)

async function start(env: Record<string, string> = {}): Promise<{ server: Seawall; app: ImageClient }> {
  const server = await startSeawall({ env })
  closing.push(() => server.stop())
  const client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
  return { server, app: new ImageClient(client, 'faults/app') }
}

async function pushImage(app: ImageClient, made: SampleImage, tag: string): Promise<Answer> {
  for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
  return app.putManifest(tag, made.manifest)
}

async function expectReadable(app: ImageClient, made: SampleImage, tag: string): Promise<void> {
  expectBytes((await app.manifest('GET', tag)).bytes, made.manifest.bytes)
  for (const one of made.blobs) expectBytes((await app.blob('GET', one.digest)).bytes, one.bytes)
}

/** Asks until it goes well; what goes wrong before must be a 503 that says when to come back. */
async function eventually(ask: () => Promise<Answer>, status: number): Promise<void> {
  const deadline = Date.now() + 15_000
  for (;;) {
    const answer = await ask()
    if (answer.status === status) return
    expectPatience(answer)
    if (Date.now() > deadline) expectStatus(answer, status)
    await Bun.sleep(100)
  }
}

function expectPatience(answer: Answer): void {
  expectStatus(answer, 503)
  expect(errorCodes(answer)).toEqual(['UNAVAILABLE'])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

/** A folder of few megabytes, or null where this machine cannot make one. */
async function smallDisk(megabytes: number): Promise<string | null> {
  const folder = await temporaryFolder('small')
  const mount = ['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]
  const isMounted = findProgram('mount') !== null && process.getuid?.() === 0 && (await run(mount)).code === 0
  if (!isMounted) await removeFolder(folder)
  return isMounted ? folder : null
}

async function removeDisk(folder: string): Promise<void> {
  await runToSuccess(['umount', folder])
  await removeFolder(folder)
}

const probe = await smallDisk(1)
if (probe) await removeDisk(probe)
else console.warn('skipped: a server whose disk is full: this machine cannot mount a file system in memory')

describe.skipIf(!probe)('a server whose disk is full', () => {
  it(
    'refuses pushes, goes on giving, and takes pushes again once there is room',
    async () => {
      const folder = (await smallDisk(24)) ?? ''
      closing.push(() => removeDisk(folder))
      const { app } = await start({ SEAWALL_DATA: join(folder, 'data') })
      const made = await image()
      expectStatus(await pushImage(app, made, 'v1'), 201)

      const large = blob(40 * MIB)
      const refused = await app.postUpload([['digest', large.digest]], large.bytes)
      expectStatus(refused, 507)
      const small = blob(2 * MIB)
      await pushBlob(app, small.bytes, small.digest)

      const ballast = join(folder, 'ballast')
      await fill(ballast)
      const other = await image()
      expectStatus(await app.postUpload([['digest', other.config.digest]], other.config.bytes), 507)
      expectStatus(await app.putManifest('v2', made.manifest), 507)
      await expectReadable(app, made, 'v1')
      expectStatus(await app.manifest('HEAD', 'v2'), 404)

      await rm(ballast)
      expectStatus(await pushImage(app, other, 'v2'), 201)
      await expectReadable(app, other, 'v2')
    },
    SLOW_MS,
  )

  async function fill(path: string): Promise<void> {
    const file = await open(path, 'w')
    try {
      for (const size of [MIB, 4096, 1]) {
        for (;;)
          await file.write(new Uint8Array(size)).catch(() => {
            throw new Error('full')
          })
      }
    } catch {
      // no more goes in
    } finally {
      await file.close()
    }
  }
})

describe('a server whose database', () => {
  it(
    'is locked by another program for a while goes on giving, and takes what waited',
    async () => {
      const folder = await temporaryFolder('locked')
      closing.push(() => removeFolder(folder))
      const { app } = await start({ SEAWALL_DATA: folder })
      const made = await image()
      expectStatus(await pushImage(app, made, 'v1'), 201)
      const other = new SqliteFile(join(folder, 'seawall.db'))
      other.run('pragma busy_timeout = 5000')
      other.run('begin immediate')
      const waiting = app.putManifest('v2', made.manifest)
      const begun = performance.now()
      await expectReadable(app, made, 'v1')
      expect(performance.now() - begun).toBeLessThan(2_000)
      await Bun.sleep(1_000)
      other.run('rollback')
      other.close()
      expectStatus(await waiting, 201)
    },
    SLOW_MS,
  )

  it(
    'is a server that stops and starts again under load needs no restart itself',
    async () => {
      const postgres = await startPostgres()
      closing.push(() => postgres.stop())
      const { server, app } = await start({ SEAWALL_DATABASE: await postgres.createDatabase() })
      const made = await image()
      expectStatus(await pushImage(app, made, 'v1'), 201)
      const { pid } = server
      let isOver = false
      const seen = new Set<number | string>()
      const load = Array.from({ length: 4 }, async (_, n) => {
        for (let turn = 0; !isOver; turn++) {
          const answer = n % 2 ? await app.manifest('GET', 'v1') : await app.putManifest(`t${n}-${turn}`, made.manifest)
          seen.add(answer.status)
          if (answer.status >= 500) expectPatience(answer)
          await Bun.sleep(5)
        }
      })
      await Bun.sleep(300)
      await postgres.kill()
      await Bun.sleep(1_500)
      await postgres.restart()
      await eventually(() => app.manifest('GET', 'v1'), 200)
      await eventually(() => app.putManifest('v2', made.manifest), 201)
      isOver = true
      await Promise.all(load)
      expect([...seen].sort()).toEqual([200, 201, 503])
      expect(server.pid).toBe(pid)
      await expectReadable(app, made, 'v2')
    },
    SLOW_MS,
  )
})

describeWith([S3_PROGRAM], 'a server whose object store', () => {
  it(
    'stops and starts again needs no restart itself, and loses nothing',
    async () => {
      const s3 = await startS3()
      closing.push(() => s3.stop())
      const query = new URLSearchParams({ endpoint: s3.endpoint, region: s3.region })
      const postgres = await startPostgres()
      closing.push(() => postgres.stop())
      const { app } = await start({
        SEAWALL_DATABASE: await postgres.createDatabase(),
        SEAWALL_STORE: `s3://${await s3.createBucket()}?${query}`,
        SEAWALL_S3_ACCESS_KEY: s3.accessKey,
        SEAWALL_S3_SECRET_KEY: s3.secretKey,
      })
      const [made, other] = [await image(), blob(300_000)]
      expectStatus(await pushImage(app, made, 'v1'), 201)
      await s3.kill()
      expectPatience(await app.postUpload([['digest', other.digest]], other.bytes))
      expectPatience(await app.blob('GET', made.config.digest))
      expectBytes((await app.manifest('GET', 'v1')).bytes, made.manifest.bytes)
      await s3.restart()
      await eventually(() => app.postUpload([['digest', other.digest]], other.bytes), 201)
      await expectReadable(app, made, 'v1')
    },
    SLOW_MS,
  )
})

describe('a second server', () => {
  it(
    'on the same data folder says so and ends with code 1, and the first goes on',
    async () => {
      const { server, app } = await start()
      const second = await server.run(['serve'])
      expect(second.code).toBe(1)
      expect(second.stderr).toContain('another seawall is serving from')
      expect(second.stderr).toContain('SEAWALL_DATA')
      expectStatus(await app.registry.ask('GET', '/v2/'), 200)
    },
    SLOW_MS,
  )

  it(
    'on the same address says so and ends with code 1',
    async () => {
      const { server } = await start()
      const folder = await temporaryFolder('second')
      closing.push(() => removeFolder(folder))
      const port = freePort()
      const other = await start({ SEAWALL_LISTEN: server.host, SEAWALL_DATA: join(folder, `${port}`) }).catch(String)
      expect(String(other)).toContain('another program listens there')
    },
    SLOW_MS,
  )
})

describe('Ctrl-C', () => {
  it(
    'pressed twice ends the server at once, whatever is in flight',
    async () => {
      const { server, app } = await start()
      const location = locationOf(await app.postUpload())
      const connection = await RawConnection.open(server.url)
      const basic = `authorization: Basic ${btoa(`admin:${server.adminPassword}`)}`
      connection.head('PATCH', location.pathname, [basic, 'content-length: 400000'])
      connection.write(new Uint8Array(1_000))
      await Bun.sleep(200)
      process.kill(server.pid, 'SIGINT')
      await Bun.sleep(200)
      expect(isRunning(server.pid)).toBe(true)
      process.kill(server.pid, 'SIGINT')
      for (let patience = 40; patience > 0 && isRunning(server.pid); patience--) await Bun.sleep(50)
      expect(isRunning(server.pid)).toBe(false)
      connection.vanish()
      await server.restart()
      expectStatus(await app.registry.ask('GET', location), 204)
    },
    SLOW_MS,
  )

  function isRunning(pid: number): boolean {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
})

describe('a server that is killed in the middle of a scan', () => {
  it(
    'scans the image after its restart, without waiting for the dead one',
    async () => {
      const folder = await temporaryFolder('killed')
      closing.push(() => removeFolder(folder))
      const { server, app } = await start({ SEAWALL_DATA: folder })
      const tar = tarOf([
        { path: 'zeros', content: new Uint8Array(100 * MIB) },
        { path: 'app/node_modules/left-pad/package.json', content: '{"name":"left-pad","version":"1.3.0"}' },
      ])
      const made = await image({ layers: [content(TYPES.layerGzip, Bun.gzipSync(tar, { level: 1 }))] })
      expectStatus(await pushImage(app, made, 'v1'), 201)
      const database = new SqliteFile(join(folder, 'seawall.db'), { readonly: true })
      const isRunning = () => database.query(`select 1 from jobs where state = 'running'`).get() !== null
      for (let patience = 500; patience > 0 && !isRunning(); patience--) await Bun.sleep(2)
      expect(isRunning()).toBe(true)
      await server.kill()
      expect(isRunning()).toBe(true)
      database.close()
      await server.restart()
      const begun = performance.now()
      const shown = await scannedImage(server, 'faults/app:v1')
      expect(performance.now() - begun).toBeLessThan(15_000)
      expect(shown.packages.map(({ name, version }) => `${name}@${version}`)).toEqual(['left-pad@1.3.0'])
    },
    SLOW_MS,
  )
})
