import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CutDisk, canMakeDisks } from '../harness/cut-disk.ts'
import { openBacking } from '../harness/opened-backing.ts'
import { sharedPostgres } from '../harness/postgres.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { type Chance, chanceOf, IS_LONG, rounds } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { content, TYPES } from '../protocol/samples.ts'
import { LongUpload } from './long-upload.ts'
import { untilSomeWork, Writer } from './writer.ts'

const ROUNDS = rounds(3, 100)
const WRITERS = 4
const TIME_MS = IS_LONG ? 3_600_000 : 120_000

const canCut = await canMakeDisks()
if (!canCut) console.warn('skipped: power cuts: this machine cannot make and mount an ext4 disk')

describe.skipIf(!canCut)('the disk of these tests', () => {
  it('forgets what was not written through, and keeps what was', async () => {
    const disk = await CutDisk.make()
    try {
      await Bun.write(join(disk.path, 'forgotten'), 'x')
      await keep(join(disk.path, 'kept'))
      await Bun.write(join(disk.path, 'forgotten-too'), 'x')
      await disk.remember()
      await disk.cut()
      expect(await Bun.file(join(disk.path, 'kept')).text()).toBe('x')
      expect(await Bun.file(join(disk.path, 'forgotten-too')).exists()).toBe(false)
      // its name may be there, as the sync of another file writes all names; its bytes are not
      expect(
        await Bun.file(join(disk.path, 'forgotten'))
          .text()
          .catch(() => ''),
      ).not.toBe('x')
    } finally {
      await disk.remove()
    }
  }, 60_000)

  async function keep(path: string): Promise<void> {
    const file = await open(path, 'w')
    await file.write('x')
    await file.sync()
    await file.close()
  }
})

/** On PostgreSQL only the blobs lose power: then the tables are always ahead of them. */
function cuttingTests(database: 'sqlite' | 'postgres'): void {
  const title = `a server on ${database} whose disks lose their power`
  describe.skipIf(!canCut)(title, () => {
    const chance = chanceOf(title)
    const disks: CutDisk[] = []
    const uploads: LongUpload[] = []
    let env: Readonly<Record<string, string>>
    let data: string
    let server: Seawall
    let writers: Writer[]
    let app: ImageClient

    beforeAll(async () => {
      // two, so that what one of them writes through takes nothing of the other along
      for (let n = 0; n < 2; n++) disks.push(await CutDisk.make())
      const [tables, blobs] = disks.map((disk) => disk.path)
      data = join(tables!, 'new', 'data')
      await mkdir(join(blobs!, 'new'))
      env = {
        SEAWALL_DATA: data,
        SEAWALL_STORE: `disk:${join(blobs!, 'new', 'blobs')}`,
        SEAWALL_SCAN_WORKERS: '0',
        ...(database === 'postgres' && { SEAWALL_DATABASE: await (await sharedPostgres()).createDatabase() }),
      }
      server = await startSeawall({ env })
      const client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
      const apps = ['one', 'two'].map((image) => new ImageClient(client, `torture/${image}`))
      app = apps[0]!
      const layers = Array.from({ length: 6 }, (_, n) => content(TYPES.layer, chance.bytes(5_000 * (n + 1))))
      const shared = { layers, apps, isCollected: false, mayBeAway: false }
      writers = Array.from({ length: WRITERS }, (_, n) => new Writer(`w${n}`, apps[n % 2]!, chance.fork(), shared))
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
      for (const disk of disks) await disk.remove()
    }, 60_000)

    async function workUntilCut(turn: Chance): Promise<void> {
      let isOver = false
      const working = writers.map((writer) => writer.work(() => isOver))
      const uploading = turn.happens(0.3) ? upload(turn, () => isOver).catch(() => {}) : null
      await untilSomeWork(writers, turn)
      process.kill(server.pid, 'SIGSTOP')
      for (const disk of disks) await disk.remember()
      isOver = true
      await server.kill()
      await Promise.all([...working, uploading])
      for (const disk of disks) await disk.cut()
    }

    async function upload(turn: Chance, isOver: () => boolean): Promise<void> {
      const begun = await LongUpload.begin(app, content(TYPES.layer, turn.bytes(400_000)))
      uploads.push(begun)
      await begun.send(isOver)
    }

    async function expectTruth(): Promise<void> {
      const { db, blobs } = await openBacking(env, data)
      try {
        expect(await findUntruths(db)).toEqual([])
        expect((await compareWithStore(db, blobs)).lost).toEqual([])
      } finally {
        await db.close()
      }
    }

    it(
      'has everything that it said yes to, from its first start on',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          await workUntilCut(chance.fork())
          if (round % 5 === 4) await expectTruth()
          await server.restart()
          await Promise.all(writers.map((writer) => writer.verify()))
        }
        const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
        console.log(`${title}: ${ROUNDS} cuts, ${acknowledged} acknowledged changes, ${uploads.length} long uploads`)
        for (const begun of uploads) await begun.finish()
      },
      TIME_MS,
    )
  })
}

cuttingTests('sqlite')
cuttingTests('postgres')
