import { afterAll, beforeAll, expect, it } from 'bun:test'
import { join } from 'node:path'
import { SQL } from 'bun'
import { openBacking } from '../harness/opened-backing.ts'
import { type Postgres, startPostgres } from '../harness/postgres.ts'
import { describeWith } from '../harness/program.ts'
import { S3_PROGRAM, type S3Server, startS3 } from '../harness/s3.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type Chance, chanceOf, IS_LONG, rounds } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { type Answer, RegistryClient } from '../protocol/registry-client.ts'
import { type Content, content, image, type SampleImage, TYPES } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'
import { isPatience, Writer } from './writer.ts'

const ROUNDS = rounds(1, 20)
const WRITERS = 4
const PULLERS = 3
/** No request may hang longer: the server's own patience with a silent database or store, and some. */
const LONGEST_ANSWER_MS = 45_000
const RECOVERY_MS = 10_000
/** Connections that one process may have to the database: readers, writers, the pulse. */
const MOST_CONNECTIONS = 10
const TIME_MS = 120_000 + ROUNDS * 60_000

const AWAY = IS_LONG ? (['killed', 'stopped', 'frozen'] as const) : (['killed'] as const)
type Away = 'killed' | 'stopped' | 'frozen'

interface Seen {
  slowestMs: number
  patience: number
  good: number
}

describeWith([S3_PROGRAM], 'a server whose database and object store go away and come back', () => {
  const chance = chanceOf('backends that go away')
  const seen: Seen = { slowestMs: 0, patience: 0, good: 0 }
  let folder: string
  let postgres: Postgres
  let s3: S3Server
  let env: Readonly<Record<string, string>>
  let server: Seawall
  let app: ImageClient
  let stable: SampleImage
  let writers: Writer[]

  beforeAll(async () => {
    folder = await temporaryFolder('away')
    postgres = await startPostgres()
    s3 = await startS3()
    const query = new URLSearchParams({ endpoint: s3.endpoint, region: s3.region })
    env = {
      SEAWALL_DATA: join(folder, 'data'),
      SEAWALL_DATABASE: await postgres.createDatabase(),
      SEAWALL_STORE: `s3://${await s3.createBucket()}?${query}`,
      SEAWALL_S3_ACCESS_KEY: s3.accessKey,
      SEAWALL_S3_SECRET_KEY: s3.secretKey,
      SEAWALL_SCAN_WORKERS: '0',
    }
    server = await startSeawall({ env })
    const client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
    const apps = ['one', 'two'].map((name) => new ImageClient(client, `away/${name}`))
    app = apps[0]!
    stable = await image()
    for (const one of stable.blobs) await pushBlob(app, one.bytes, one.digest)
    expect((await app.putManifest('stable', stable.manifest)).status).toBe(201)
    const layers = Array.from({ length: 4 }, (_, n) => content(TYPES.layer, chance.bytes(5_000 * (n + 1))))
    const shared = { layers, apps, isCollected: false, mayBeAway: true }
    writers = Array.from({ length: WRITERS }, (_, n) => new Writer(`w${n}`, apps[n % 2]!, chance.fork(), shared))
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    await s3?.stop()
    await postgres?.stop()
    await removeFolder(folder)
  }, 60_000)

  /** Pulls what is there all the time: it is given whole, or not at this moment. */
  async function pull(turn: Chance, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const one = turn.pick<Content>([stable.manifest, ...stable.blobs])
      const isManifest = one === stable.manifest
      const begun = performance.now()
      const answer = await (isManifest ? app.manifest('GET', 'stable') : app.blob('GET', one.digest)).catch(cutOff)
      seen.slowestMs = Math.max(seen.slowestMs, performance.now() - begun)
      if (answer === null || isPatience(answer)) seen.patience += 1
      else {
        expect([answer.status, Buffer.from(answer.bytes).equals(one.bytes)]).toEqual([200, true])
        seen.good += 1
      }
      await Bun.sleep(5)
    }
  }

  /** A blob whose store goes away in the middle ends there; its client sees that bytes are missing. */
  function cutOff(): null {
    return null
  }

  /** Works, and when there is no answer looks at what has happened as soon as somebody answers; then goes on. */
  async function writeOn(writer: Writer, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await writer.work(isOver)
      if (isOver()) return
      await Bun.sleep(100)
      await expectBack()
      // what was under way when the database stood still may come to its end a moment after it goes on
      await Bun.sleep(300)
      await verifyWhenBack(writer)
    }
  }

  async function verifyWhenBack(writer: Writer): Promise<void> {
    const deadline = Date.now() + LONGEST_ANSWER_MS + RECOVERY_MS
    for (;;) {
      try {
        return await writer.verify()
      } catch (error) {
        const isAway =
          error instanceof Error && /: 503|503,|network|connection|socket|ended|closed/i.test(error.message)
        if (!isAway || Date.now() > deadline) throw error
      }
      await Bun.sleep(100)
    }
  }

  async function takeAway(what: 'database' | 'store', how: Away, awayMs: number): Promise<void> {
    if (how === 'frozen') {
      const thaw = what === 'database' ? await postgres.freeze() : s3.freeze()
      await Bun.sleep(awayMs * 6)
      return thaw()
    }
    if (what === 'store') {
      await s3.kill()
      await Bun.sleep(awayMs)
      return s3.restart()
    }
    if (how === 'stopped') return postgres.restart()
    await postgres.kill()
    await Bun.sleep(awayMs)
    await postgres.restart()
  }

  async function expectBack(withinMs = LONGEST_ANSWER_MS + RECOVERY_MS): Promise<void> {
    const deadline = Date.now() + withinMs
    const one = content(TYPES.layer, chance.bytes(2_000))
    const asks: (() => Promise<Answer>)[] = [
      () => app.manifest('GET', 'stable'),
      () => app.blob('GET', stable.config.digest),
      () => app.postUpload([['digest', one.digest]], one.bytes),
    ]
    for (const ask of asks) {
      for (;;) {
        const answer = await ask().catch(cutOff)
        if (answer && answer.status < 300) break
        if (answer) expect(isPatience(answer)).toBe(true)
        if (Date.now() > deadline) throw new Error('the server has not come back by itself')
        await Bun.sleep(50)
      }
    }
  }

  for (const what of ['database', 'store'] as const) {
    for (const how of AWAY.filter((way) => what === 'database' || way !== 'stopped')) {
      it(
        `asks for patience while its ${what} is ${how}, and goes on by itself with nothing lost`,
        async () => {
          const { pid } = server
          for (let round = 0; round < ROUNDS; round++) {
            let isOver = false
            const working = [
              ...writers.map((writer) => writeOn(writer, () => isOver)),
              ...Array.from({ length: PULLERS }, () => pull(chance.fork(), () => isOver)),
            ]
            await Bun.sleep(100 + chance.below(400))
            await takeAway(what, how, 300 + chance.below(1_500))
            await expectBack()
            await Bun.sleep(300)
            isOver = true
            await Promise.all(working)
            await Promise.all(writers.map(verifyWhenBack))
          }
          expect(server.pid).toBe(pid)
          expect(seen.slowestMs).toBeLessThan(LONGEST_ANSWER_MS)
          console.log(`${what} ${how}, ${ROUNDS} rounds: ${JSON.stringify(seen)}`)
        },
        TIME_MS,
      )
    }
  }

  it('has lost no job, and holds no more connections than it may', async () => {
    const sql = new SQL({ url: postgres.url, max: 1 })
    const [row] = await sql`select count(*)::int as held from pg_stat_activity where application_name = 'seawall'`
    await sql.close()
    expect(row.held).toBeLessThanOrEqual(MOST_CONNECTIONS)
    await server.kill()
    const { db, blobs } = await openBacking(env, join(folder, 'data'))
    try {
      const unscanned = await db.all`
        select a.digest from artifacts a
        where not exists (select 1 from jobs j where j.kind = 'scan' and j.subject = a.digest)`
      expect(unscanned).toEqual([])
      expect(await findUntruths(db)).toEqual([])
      expect((await compareWithStore(db, blobs)).lost).toEqual([])
    } finally {
      await db.close()
    }
  }, 60_000)
})
