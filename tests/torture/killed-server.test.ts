import { afterAll, beforeAll, expect, it } from 'bun:test'
import { join } from 'node:path'
import { answersHttp } from '../harness/background-program.ts'
import { BACKINGS, type Backing, type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { clearAway } from '../harness/clear-away.ts'
import { openBacking } from '../harness/opened-backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type Chance, chanceOf, IS_LONG, rounds } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { content, TYPES } from '../protocol/samples.ts'
import { LongUpload } from './long-upload.ts'
import { untilSomeWork, Writer } from './writer.ts'

const ROUNDS = rounds(4, 500)
const WRITERS = 6
/** How often the tables are looked at while nobody serves. */
const TRUTH_EVERY = 10
const TIME_MS = IS_LONG ? 5_400_000 : 120_000

/** Everything is collected as fast as the settings allow, while it is pushed and deleted. */
const COLLECTING = {
  SEAWALL_COLLECTION_GRACE_SECONDS: '1',
  SEAWALL_COLLECTION_REMOVE_AFTER_SECONDS: '0',
  SEAWALL_COLLECTION_INTERVAL_SECONDS: '1',
  SEAWALL_COLLECTION_PAUSE_MILLISECONDS: '0',
  SEAWALL_COLLECTION_DELETED_DAYS: '0',
}

/** What is special about a server. */
interface Variant {
  readonly words: string
  readonly env: Readonly<Record<string, string>>
}

const PLAIN: Variant = { words: '', env: {} }
const WHILE_COLLECTING: Variant = { words: ' while it collects', env: COLLECTING }
/** Killed is the one that starts the others: they notice, and end. */
const OF_SEVERAL: Variant = { words: ', of several processes', env: { ...COLLECTING, SEAWALL_PROCESSES: '2' } }

function killingTests(name: BackingName, variant: Variant): void {
  const title = `a server on ${name} that is killed again and again${variant.words}`
  describeWith(programsOf(name), title, () => {
    const chance = chanceOf(title)
    let folder: string
    let env: Readonly<Record<string, string>>
    let backing: Backing
    let server: Seawall
    let apps: ImageClient[]
    let writers: Writer[]
    const uploads: LongUpload[] = []

    beforeAll(async () => {
      folder = await temporaryFolder('killed')
      backing = await startBacking(name)
      env = { ...backing.env, SEAWALL_DATA: join(folder, 'data'), SEAWALL_SCAN_WORKERS: '0' }
      server = await startSeawall({ env: { ...env, ...variant.env } })
      const client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
      apps = ['one', 'two', 'three'].map((image) => new ImageClient(client, `torture/${image}`))
      const layers = Array.from({ length: 6 }, (_, n) => content(TYPES.layer, chance.bytes(5_000 * (n + 1))))
      const shared = { layers, apps, isCollected: variant !== PLAIN, mayBeAway: false }
      writers = Array.from(
        { length: WRITERS },
        (_, n) => new Writer(`w${n}`, apps[n % apps.length]!, chance.fork(), shared),
      )
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
      await backing?.stop()
      await removeFolder(folder)
    }, 60_000)

    async function workUntilKilled(turn: Chance): Promise<void> {
      let isOver = false
      const working = writers.map((writer) => writer.work(() => isOver))
      // a connection that breaks is what this is about
      const uploading = turn.happens(0.2) ? upload(turn, () => isOver).catch(() => {}) : null
      await untilSomeWork(writers, turn)
      await server.kill()
      while (await answersHttp(server.url)) await Bun.sleep(20)
      isOver = true
      await Promise.all([...working, uploading])
    }

    async function upload(turn: Chance, isOver: () => boolean): Promise<void> {
      const begun = await LongUpload.begin(apps[0]!, content(TYPES.layer, turn.bytes(500_000)))
      uploads.push(begun)
      await begun.send(isOver)
    }

    async function expectTruth(): Promise<void> {
      const opened = await openBacking(env, join(folder, 'data'))
      try {
        expect(await findUntruths(opened.db)).toEqual([])
        expect((await compareWithStore(opened.db, opened.blobs)).lost).toEqual([])
      } finally {
        await opened.db.close()
      }
    }

    it(
      'has everything that it said yes to, and nothing by halves',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          await workUntilKilled(chance.fork())
          if (round % TRUTH_EVERY === TRUTH_EVERY - 1) await expectTruth()
          await server.restart()
          await Promise.all(writers.map((writer) => writer.verify()))
        }
        const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
        console.log(`${title}: ${ROUNDS} rounds, ${acknowledged} acknowledged changes, ${uploads.length} long uploads`)
        expect(acknowledged).toBeGreaterThanOrEqual(ROUNDS)
      },
      TIME_MS,
    )

    it(
      'goes on with every upload from the last acknowledged byte',
      async () => {
        for (const begun of uploads) await begun.finish()
      },
      TIME_MS,
    )

    it(
      'leaves nothing that cannot be cleared away',
      async () => {
        await server.kill()
        const opened = await openBacking(env, join(folder, 'data'))
        try {
          await clearAway(opened)
          expect(await findUntruths(opened.db)).toEqual([])
          const rows = await opened.db.all<{ digest: string }>`select digest from blobs`
          const live = new Set(writers.flatMap((writer) => writer.liveBlobs()))
          expect(rows.map(({ digest }) => digest).sort()).toEqual([...live].sort())
          const { lost, orphans } = await compareWithStore(opened.db, opened.blobs)
          expect({ lost, orphans }).toEqual({ lost: [], orphans: [] })
          expect(await Array.fromAsync(opened.uploads.list())).toEqual([])
          expect((await Array.fromAsync(opened.blobs.list())).length).toBe(live.size)
        } finally {
          await opened.db.close()
        }
        await server.restart()
        await Promise.all(writers.map((writer) => writer.verify()))
      },
      TIME_MS,
    )
  })
}

// the short form meets each backing and each variant once
for (const name of BACKINGS) {
  if (IS_LONG || name !== 'postgres-s3') killingTests(name, PLAIN)
  if (IS_LONG || name === 'postgres-s3') killingTests(name, WHILE_COLLECTING)
}
killingTests('sqlite-disk', OF_SEVERAL)
