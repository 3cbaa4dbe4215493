import { Database as SqliteFile } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clearAway } from '../harness/clear-away.ts'
import { openBacking } from '../harness/opened-backing.ts'
import { findProgram } from '../harness/program.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type Chance, chanceOf, rounds } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'
import { ImageClient, locationOf } from '../protocol/image-client.ts'
import { type Answer, errorCodes, RegistryClient, textOf } from '../protocol/registry-client.ts'
import { type Content, content, descriptorOf, json, TYPES } from '../protocol/samples.ts'
import { closeUpload, UPLOAD_WAYS } from '../protocol/uploads.ts'

const DISK_MB = 64
const ROUNDS = rounds(1, 20)
const BALLAST_MB = 10
const PUSHERS = 4
const LAYER_BYTES = 700_000
const NOTE_BYTES = 300_000
const RECOVERY_MS = 10_000
const TIME_MS = ROUNDS * 120_000

interface Made {
  readonly manifest: Content
  readonly blobs: readonly Content[]
}

/** What is on the small disk. */
type Part = 'everything' | 'blobs' | 'database'
type FileSystem = 'tmpfs' | 'ext4'

async function mountSmall(kind: FileSystem): Promise<{ path: string; remove(): Promise<void> } | null> {
  const folder = await temporaryFolder('small')
  const path = join(folder, 'mounted')
  await mkdir(path)
  const isMounted = process.getuid?.() === 0 && findProgram('mount') !== null && (await mount(kind, folder, path))
  if (!isMounted) await removeFolder(folder)
  if (!isMounted) return null
  return {
    path,
    async remove() {
      await runToSuccess(['umount', path])
      await removeFolder(folder)
    },
  }
}

async function mount(kind: FileSystem, folder: string, path: string): Promise<boolean> {
  if (kind === 'tmpfs') return (await run(['mount', '-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', path])).code === 0
  const mkfs = findProgram('mkfs.ext4')
  if (!mkfs) return false
  const image = join(folder, 'image')
  await runToSuccess(['truncate', '-s', `${DISK_MB}M`, image])
  await runToSuccess([mkfs, '-q', '-m', '0', image])
  return (await run(['mount', '-o', 'loop', image, path])).code === 0
}

/** A file that a person can do without. */
async function writeBallast(path: string): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < BALLAST_MB; at++) await file.write(new Uint8Array(1024 * 1024))
  await file.close()
}

/** Takes the last byte of room. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (const size of [1024 * 1024, 4096, 1]) {
      while (await file.write(new Uint8Array(size)).then(Boolean, () => false));
    }
  } finally {
    await file.close()
  }
}

const isPossible: Record<FileSystem, boolean> = { tmpfs: false, ext4: false }
for (const kind of ['tmpfs', 'ext4'] as const) {
  const probe = await mountSmall(kind)
  isPossible[kind] = probe !== null
  await probe?.remove()
  if (!probe) console.warn(`skipped: a full disk (${kind}): this machine cannot make and mount a small one`)
}

function fullTests(kind: FileSystem, part: Part): void {
  const title = `a disk of ${DISK_MB} MB (${kind}) with ${part} on it`
  describe.skipIf(!isPossible[kind])(title, () => {
    const chance = chanceOf(title)
    const kept = new Map<string, Made>()
    let disk: NonNullable<Awaited<ReturnType<typeof mountSmall>>>
    let large: string
    let data: string
    let env: Readonly<Record<string, string>>
    let server: Seawall
    let app: ImageClient

    beforeAll(async () => {
      const made = await mountSmall(kind)
      if (!made) throw new Error('the small disk is gone')
      disk = made
      large = await temporaryFolder('large')
      data = join(part === 'blobs' ? large : disk.path, 'data')
      env = {
        SEAWALL_DATA: data,
        SEAWALL_SCAN_WORKERS: '0',
        ...(part === 'blobs' && { SEAWALL_STORE: `disk:${join(disk.path, 'blobs')}` }),
        ...(part === 'database' && { SEAWALL_STORE: `disk:${join(large, 'blobs')}` }),
      }
      server = await startSeawall({ env })
      app = client()
    }, 60_000)
    afterAll(async () => {
      await server?.stop()
      await disk?.remove()
      await removeFolder(large)
    }, 60_000)

    /** Somebody who has no token yet. */
    function client(): ImageClient {
      return new ImageClient(
        new RegistryClient(server.url, { user: 'admin', password: server.adminPassword }),
        'full/app',
      )
    }

    /** On the database's disk it is the manifests that take the room. */
    function make(turn: Chance): Made {
      const [layerBytes, noteBytes] = part === 'database' ? [300, NOTE_BYTES] : [LAYER_BYTES, 300]
      const layer = content(TYPES.layer, turn.bytes(layerBytes))
      const config = json(TYPES.config, { os: 'linux', unique: turn.next() })
      const note = Buffer.from(turn.bytes(noteBytes)).toString('hex')
      const manifest = json(TYPES.image, {
        schemaVersion: 2,
        mediaType: TYPES.image,
        config: descriptorOf(config),
        layers: [descriptorOf(layer)],
        annotations: { note },
      })
      return { manifest, blobs: [config, layer] }
    }

    /** Answers true for a whole push, false for one that found no room; anything else is wrong. */
    async function push(tag: string, made: Made, turn: Chance): Promise<boolean> {
      for (const one of made.blobs) {
        const isThere = await pushBlob(one, turn)
        if (!isThere) return false
      }
      const answer = await app.putManifest(tag, made.manifest)
      if (answer.status === 201) kept.set(tag, made)
      return isTaken(answer)
    }

    async function pushBlob(one: Content, turn: Chance): Promise<boolean> {
      const begun = turn.happens(0.5) ? null : await app.postUpload()
      if (begun && begun.status !== 202) return isTaken(begun)
      if (begun) return isTaken(await closeUpload(app, locationOf(begun), one.digest, one.bytes))
      return isTaken(await app.postUpload([['digest', one.digest]], one.bytes))
    }

    function isTaken(answer: Answer): boolean {
      if (answer.status === 201) return true
      expect([answer.status, textOf(answer)]).toEqual([507, expect.stringContaining('STORAGE_FULL')])
      expect(errorCodes(answer)).toEqual(['STORAGE_FULL'])
      return false
    }

    async function expectKept(by: ImageClient): Promise<void> {
      for (const [tag, made] of kept) {
        expectSame(await by.manifest('GET', tag), made.manifest)
        for (const one of made.blobs) expectSame(await by.blob('GET', one.digest), one)
      }
    }

    function expectSame(answer: Answer, wanted: Content): void {
      expect(answer.status).toBe(200)
      expect(Buffer.from(answer.bytes).equals(wanted.bytes)).toBe(true)
    }

    async function pushUntilFull(round: number): Promise<void> {
      const pushers = Array.from({ length: PUSHERS }, () => chance.fork()).map(async (turn, n) => {
        for (let at = 0; await push(`r${round}-${n}-${at}`, make(turn), turn); at++);
      })
      await Promise.all(pushers)
    }

    /** Clearly one or the other; and what was answered with yes stays so. */
    async function deleteOne(): Promise<void> {
      const [tag] = [...kept.keys()]
      if (tag === undefined) return
      const answer = await app.manifest('DELETE', tag)
      expect([202, 507]).toContain(answer.status)
      if (answer.status === 202) kept.delete(tag)
      expect((await app.manifest('HEAD', tag)).status).toBe(answer.status === 202 ? 404 : 200)
    }

    async function eventuallyPushes(round: number): Promise<void> {
      const deadline = Date.now() + RECOVERY_MS
      const turn = chance.fork()
      for (let at = 0; !(await push(`after-${round}-${at}`, make(turn), turn)); at++) {
        if (Date.now() > deadline) throw new Error('nothing is taken any more, though there is room')
        await Bun.sleep(200)
      }
    }

    it(
      'refuses what does not fit, goes on giving, and takes again once there is room',
      async () => {
        const ballast = join(disk.path, 'ballast')
        for (let round = 0; round < ROUNDS; round++) {
          // room that a person can make
          await writeBallast(ballast)
          await pushUntilFull(round)
          expect(kept.size).toBeGreaterThan(0)
          await fill(ballast)
          await push(`full-${round}`, make(chance), chance)
          await expectKept(app)
          await expectKept(client())
          await deleteOne()
          for (const way of UPLOAD_WAYS) {
            const one = content(TYPES.layer, chance.bytes(100_000))
            const answer = await way.push(app, one.bytes, one.digest).catch(notBegun)
            expect(part === 'database' ? [201, 507] : [507]).toContain(answer?.status ?? 507)
          }
          await server.kill()
          await server.restart()
          await expectKept(client())
          // ended in order this time
          await server.restart()
          await expectKept(client())
          await rm(ballast)
          await eventuallyPushes(round)
          await expectKept(app)
          for (const tag of [...kept.keys()].slice(0, -2)) {
            expect((await app.manifest('DELETE', kept.get(tag)!.manifest.digest)).status).toBe(202)
            kept.delete(tag)
          }
          await collectEverything()
        }
      },
      TIME_MS,
    )

    /** An upload that could not even begin has no place to go on at. */
    function notBegun(error: unknown): null {
      if (error instanceof Error && error.message.includes('507')) return null
      throw error
    }

    /** What was deleted gives its room back when the next round needs it. */
    async function collectEverything(): Promise<void> {
      if (ROUNDS === 1) return
      await server.kill()
      const opened = await openBacking(env, data)
      await clearAway(opened)
      await opened.db.close()
      await server.restart()
    }

    it('leaves database and store whole', async () => {
      await server.kill()
      const file = new SqliteFile(join(data, 'seawall.db'))
      expect(file.query('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
      file.close()
      const { db, blobs } = await openBacking(env, data)
      try {
        expect(await findUntruths(db)).toEqual([])
        expect((await compareWithStore(db, blobs)).lost).toEqual([])
      } finally {
        await db.close()
      }
    })
  })
}

for (const part of ['everything', 'blobs', 'database'] as const) fullTests('tmpfs', part)
fullTests('ext4', 'everything')
