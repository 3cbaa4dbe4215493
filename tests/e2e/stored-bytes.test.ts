import { afterAll, afterEach, beforeAll, describe, expect, it } from 'bun:test'
import { rm, truncate, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { StorageBody } from '../../src/api/storage.ts'
import { type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { manage } from '../harness/management.ts'
import { type OpenedBacking, openBacking } from '../harness/opened-backing.ts'
import { describeWith, program } from '../harness/program.ts'
import { type DockerDesk, openDockerDesk } from '../harness/real-image.ts'
import type { Finished } from '../harness/run-program.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { makeImage, type TestImage, writeDockerArchive, writeLayout } from '../harness/test-image.ts'

const SLOW_MS = 120_000

/** A server whose files can be damaged behind its back, and its administrator at the command line. */
interface Patient {
  readonly seawall: Seawall
  readonly folder: string
  path(digest: string): string
  flip(digest: string): Promise<void>
  blob(method: string, digest: string, range?: string): Promise<Response>
  doctor(...words: string[]): Promise<Finished & { readonly storage: StorageBody }>
  close(): Promise<void>
}

async function admit(env: Record<string, string> = {}): Promise<Patient> {
  const folder = await temporaryFolder('patient')
  const seawall = await startSeawall({ env: { SEAWALL_DATA: join(folder, 'data'), ...env } })
  const authorization = `Basic ${btoa(`admin:${seawall.adminPassword}`)}`
  await seawall.run(['login', seawall.host, '-u', 'admin', '--password-stdin'], seawall.adminPassword)
  const path = (digest: string): string => {
    const hex = digest.slice(7)
    const place = join(folder, 'data', 'blobs', 'blobs', 'sha256', hex.slice(0, 2))
    const [name] = [...new Bun.Glob(`${hex}.*`).scanSync(place)]
    if (!name) throw new Error(`there is no file of ${digest}`)
    return join(place, name)
  }
  return {
    seawall,
    folder,
    path,
    async flip(digest) {
      const bytes = await Bun.file(path(digest)).bytes()
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
      await Bun.write(path(digest), bytes)
    },
    blob: (method, digest, range) =>
      fetch(`${seawall.url}/v2/demo/app/blobs/${digest}`, {
        method,
        headers: { authorization, ...(range !== undefined && { range }) },
      }),
    async doctor(...words) {
      const finished = await seawall.run(['doctor', '--json', ...words])
      return { ...finished, storage: finished.stdout === '' ? null : JSON.parse(finished.stdout) }
    },
    async close() {
      await seawall.stop()
      await removeFolder(folder)
    },
  }
}

async function gone(answer: Response): Promise<string> {
  const body = await answer.text()
  expect(answer.status).toBeGreaterThanOrEqual(400)
  return body
}

describeWith(['skopeo'], 'stored bytes that are damaged', () => {
  let patient: Patient
  let image: TestImage
  let layout: string

  beforeAll(async () => {
    patient = await admit()
    image = await makeImage([90_000, 50_000])
    layout = join(patient.folder, 'layout')
    await writeLayout(layout, image, 'it')
    await push()
  }, SLOW_MS)
  afterAll(() => patient.close())

  const credentials = () => `admin:${patient.seawall.adminPassword}`
  const push = () =>
    runToSuccess([
      ...[program('skopeo'), 'copy', '--dest-tls-verify=false', '--dest-creds', credentials()],
      ...[`oci:${layout}:it`, `docker://${patient.seawall.host}/demo/app:1`],
    ])
  const pull = () =>
    run([
      ...[program('skopeo'), 'copy', '--src-tls-verify=false', '--src-creds', credentials(), '--retry-times', '0'],
      ...[`docker://${patient.seawall.host}/demo/app:1`, `dir:${join(patient.folder, crypto.randomUUID())}`],
    ])

  it('are found by a check, refused, named by the doctor with the image, and healed by a push', async () => {
    const layer = image.layers[0]!
    expect(await patient.doctor('--check')).toMatchObject({ code: 0, storage: { healthy: true, damaged: [] } })
    await patient.flip(layer.digest)
    const sick = await patient.doctor('--check')
    expect(sick.code).toBe(5)
    expect(sick.storage).toMatchObject({
      healthy: false,
      problems: ['1 blob is damaged or missing.'],
      damagedCount: 1,
      damaged: [
        {
          digest: layer.digest,
          size: layer.bytes.length,
          neededBy: [{ image: 'demo/app', manifest: image.manifest.digest, tag: '1' }],
          advice: expect.stringContaining('Push demo/app:1 again'),
        },
      ],
    })
    for (const range of [undefined, 'bytes=0-9', 'bytes=-5']) {
      expect(await gone(await patient.blob('GET', layer.digest, range))).toContain('pushing the blob again heals it')
    }
    expect((await patient.blob('HEAD', layer.digest)).status).toBe(404)
    const pulled = await pull()
    expect([pulled.code > 0, pulled.stderr]).toEqual([true, expect.stringContaining(layer.digest)])
    const metrics = await (await fetch(`${patient.seawall.url}/metrics`)).text()
    expect(metrics).toContain('\nseawall_blobs_damaged 1\n')
    const words = await patient.seawall.run(['doctor'])
    expect([words.code, words.stdout]).toEqual([5, expect.stringContaining('demo/app:1')])

    await push()
    expect((await pull()).code).toBe(0)
    expect(await patient.doctor()).toMatchObject({ code: 0, storage: { healthy: true, damaged: [] } })
    expect((await patient.seawall.run(['doctor'])).stdout).toStartWith('Everything that was checked is whole.')
  }, 120_000)

  it('answer an error at once when the file was cut short or is gone, before any check', async () => {
    const [first, second] = image.layers
    await truncate(patient.path(first!.digest), first!.bytes.length - 1)
    await rm(patient.path(second!.digest))
    for (const { digest } of image.layers) {
      for (const range of [undefined, 'bytes=0-9']) await gone(await patient.blob('GET', digest, range))
      expect((await patient.blob('HEAD', digest)).status).toBe(404)
    }
    const { storage } = await patient.doctor()
    expect(storage.damaged.map(({ digest }) => digest)).toEqual(image.layers.map(({ digest }) => digest).sort())
    await push()
    expect(await patient.doctor('--check')).toMatchObject({ code: 0, storage: { healthy: true } })
    expect((await pull()).code).toBe(0)
  }, 120_000)

  it('are found without being asked for, when their turn has come', async () => {
    const { digest } = image.layers[0]!
    await patient.flip(digest)
    const { db } = await openBacking({}, join(patient.folder, 'data'))
    try {
      await db.transaction(async (tx) => {
        await tx.run`update blobs set checked_at = 1000`
        await tx.run`update jobs set run_at = 0 where kind = 'scrub'`
      })
    } finally {
      await db.close()
    }
    while ((await patient.blob('HEAD', digest)).status !== 404) await Bun.sleep(50)
    await push()
    const { storage } = await patient.doctor()
    expect([storage.healthy, storage.oldestCheckAt! > '2000']).toEqual([true, true])
  }, 120_000)

  it('that nobody knows are removed when they are old, and reported', async () => {
    const known = patient.path(image.config.digest)
    const stray = (letter: string) => join(dirname(known), `${image.config.digest.slice(7)}.${letter.repeat(24)}`)
    for (const letter of ['a', 'b']) await Bun.write(stray(letter), 'nobody knows me')
    const old = new Date(Date.now() - 25 * 3_600_000)
    await utimes(stray('a'), old, old)
    const { code, storage } = await patient.doctor('--check')
    expect([code, storage.orphans]).toEqual([0, { files: 1, bytes: 15, removed: 1 }])
    expect([await Bun.file(stray('a')).exists(), await Bun.file(stray('b')).exists()]).toEqual([false, true])
    expect(storage.reports.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['reconcile', 'scrub']))
  }, 120_000)

  it('are shown to administrators alone', async () => {
    const { seawall } = patient
    await manage(seawall, 'POST', 'users', { name: 'alice', password: 'long enough' })
    for (const [method, path] of [
      ['GET', 'storage'],
      ['POST', 'storage/check'],
    ] as const) {
      const ask = (user?: string) =>
        fetch(`${seawall.url}/api/v1/${path}`, {
          method,
          headers: { 'content-type': 'application/json', ...(user && { authorization: `Basic ${btoa(user)}` }) },
          ...(method === 'POST' && { body: '{}' }),
        })
      expect([(await ask()).status, (await ask('alice:long enough')).status]).toEqual([401, 403])
    }
  })
})

describeWith(['docker', 'dockerd', 'root'], 'an image whose layer is damaged', () => {
  let patient: Patient
  let desk: DockerDesk
  beforeAll(async () => {
    patient = await admit()
    desk = await openDockerDesk()
  }, SLOW_MS)
  afterAll(async () => {
    await desk.stop()
    await patient.close()
  }, SLOW_MS)

  it(
    'is healed by a docker push that believed everything to be there',
    async () => {
      const { seawall } = patient
      const reference = `${seawall.host}/demo/app:1`
      const image = await makeImage([300_000])
      const archive = join(desk.folder, 'image.tar')
      await writeDockerArchive(archive, image, reference)
      await desk.mustDocker(['load', '-i', archive])
      await desk.mustDocker(['login', '-u', 'admin', '--password-stdin', seawall.host], seawall.adminPassword)
      await desk.mustDocker(['push', reference])
      const described = (await manage(seawall, 'GET', 'image?reference=demo/app:1')) as {
        layers: { digest: string }[]
      }
      const { digest } = described.layers[0]!
      await patient.flip(digest)
      expect((await patient.doctor('--check')).code).toBe(5)
      expect((await desk.mustDocker(['push', reference])).stdout).toContain('Pushed')
      await desk.mustDocker(['rmi', '-f', reference])
      await desk.mustDocker(['pull', reference])
      expect((await patient.doctor()).code).toBe(0)
    },
    SLOW_MS,
  )
})

describe.each(['postgres-s3'] satisfies BackingName[])('bytes in %s', (name) => {
  describeWith(programsOf(name), 'behind a server', () => {
    const closing: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    it('that are lost from the bucket are named by the doctor', async () => {
      const backing = await startBacking(name)
      closing.push(() => backing.stop())
      const patient = await admit(backing.env)
      closing.push(() => patient.close())
      const opened: OpenedBacking = await openBacking(backing.env, '')
      closing.push(() => opened.db.close())
      const image = await makeImage([40_000, 30_000])
      const layout = join(patient.folder, 'layout')
      await writeLayout(layout, image, 'it')
      await runToSuccess([
        ...[
          program('skopeo'),
          'copy',
          '--dest-tls-verify=false',
          '--dest-creds',
          `admin:${patient.seawall.adminPassword}`,
        ],
        ...[`oci:${layout}:it`, `docker://${patient.seawall.host}/demo/app:1`],
      ])
      const { digest } = image.layers[1]!
      const row = await opened.db.first<{ location: string }>`select location from blobs where digest = ${digest}`
      await opened.blobs.remove([row!.location])
      const { code, storage } = await patient.doctor('--check')
      expect([code, storage.damaged.map((blob) => blob.digest)]).toEqual([5, [digest]])
      expect((await patient.blob('HEAD', digest)).status).toBe(404)
      await gone(await patient.blob('GET', digest))
    }, 120_000)
  })
})
