import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'bun:test'
import { RegistryError } from '../../src/core/errors.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import type { MigratableDatabase } from '../../src/storage/migratable-database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { PostgresDatabase } from '../../src/storage/postgres-database.ts'
import { S3BlobStore } from '../../src/storage/s3-blob-store.ts'
import { S3UploadStore } from '../../src/storage/s3-upload-store.ts'
import { SqliteDatabase } from '../../src/storage/sqlite-database.ts'
import type { UploadStore } from '../../src/storage/upload-store.ts'
import { BACKINGS, type BackingName, programsOf } from '../harness/backing.ts'
import { clearAway } from '../harness/clear-away.ts'
import {
  type FaultMoment,
  FaultPlan,
  faultsFor,
  faultyBlobs,
  faultyDatabase,
  faultyUploads,
} from '../harness/fault-plan.ts'
import { PARTS_SCENARIOS, type Play, SCENARIOS, type Scenario } from '../harness/fault-scenarios.ts'
import { LIFE_SCENARIOS } from '../harness/life-scenarios.ts'
import { sharedPostgres } from '../harness/postgres.ts'
import { describeWith } from '../harness/program.ts'
import { TestRegistry } from '../harness/registry.ts'
import { type S3Server, startS3 } from '../harness/s3.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { chanceOf, IS_LONG } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'

const SCENARIO_MS = IS_LONG ? 900_000 : 60_000
/** About how many faults of a kind the short form takes of one scenario, at random: where each costs little, and where not. */
const SHORT = { cheap: { before: 7, after: 5, away: 1 }, dear: { before: 2, after: 2, away: 0.3 } }
/** A claim that could not be given back while the database was away is given back so soon after. */
const PATIENCE_MS = 3_000

interface Place {
  readonly db: MigratableDatabase
  readonly blobs: BlobStore
  readonly uploads: UploadStore
  close(): Promise<void>
}

async function openPlace(name: BackingName, s3: S3Server | null): Promise<Place> {
  const folder = await temporaryFolder('faults')
  const db =
    name === 'sqlite-disk'
      ? await SqliteDatabase.open(':memory:')
      : await PostgresDatabase.open(await (await sharedPostgres()).createDatabase(), { maxConnections: 4 })
  await migrate(db)
  const stores = s3 ? await objectStores(s3) : diskStores(folder)
  return {
    db,
    ...stores,
    async close() {
      await db.close()
      await removeFolder(folder)
    },
  }
}

function diskStores(folder: string) {
  return { blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) }
}

async function objectStores(s3: S3Server) {
  const { endpoint, region, accessKey, secretKey } = s3
  const options = { endpoint, region, accessKey, secretKey, bucket: await s3.createBucket() }
  return { blobs: new S3BlobStore(options), uploads: new S3UploadStore(options) }
}

/** A failure must be one that tells the client to come back; then the client comes back, and that must go well. */
async function actTwice(play: Play, plan: FaultPlan): Promise<void> {
  const failed = await play.act().then(
    () => null,
    (error: unknown) => error,
  )
  plan.end()
  if (failed === null) return
  if (!(failed instanceof RegistryError) || failed.code !== 'UNAVAILABLE') throw failed
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      return await play.act()
    } catch (error) {
      const isClaimed = error instanceof RegistryError && error.code === 'RANGE_INVALID'
      if (!isClaimed || Date.now() > deadline) throw error
      await Bun.sleep(50)
    }
  }
}

function faultTests(name: BackingName): void {
  describeWith(programsOf(name), `one fault at every call, on ${name}`, () => {
    const chance = chanceOf(`faults on ${name}`)
    const plan = new FaultPlan()
    let s3: S3Server | null = null
    let place: Place
    let test: TestRegistry
    let runs = 0

    beforeAll(async () => {
      if (name === 'postgres-s3') s3 = await startS3()
    }, 60_000)
    afterAll(() => s3?.stop())
    beforeEach(async () => {
      place = await openPlace(name, s3)
      const stores = { blobs: faultyBlobs(place.blobs, plan), uploads: faultyUploads(place.uploads, plan) }
      test = await TestRegistry.open(faultyDatabase(place.db, plan), { stores })
      await test.repository('demo')
    }, 120_000)
    afterEach(async () => {
      await test.close()
      await place.close()
    })

    async function run(scenario: Scenario, fault: { at: number; moment: FaultMoment } | null): Promise<void> {
      const play = scenario.begin({ test, name: `demo/app-${runs++}`, chance: chance.fork() })
      plan.begin()
      await play.prepare?.()
      plan.begin(fault)
      try {
        await actTwice(play, plan)
        await play.check()
        await expectOrder()
      } catch (error) {
        const where = fault ? `call ${fault.at} (${plan.hit ?? 'not reached'}) failed, ${fault.moment}` : 'no fault'
        throw new Error(`${where}: ${error}`, { cause: error })
      }
    }

    /** Nothing lost, nothing counted wrongly; and after a long time nothing is left of what nobody needs. */
    async function expectOrder(): Promise<void> {
      expect(await findUntruths(place.db)).toEqual([])
      await clearAway(place)
      expect(await findUntruths(place.db)).toEqual([])
      expect(await compareWithStore(place.db, place.blobs)).toEqual({ lost: [], orphans: [] })
      const useless = await place.db.all`
        select digest from blobs b where not exists (select 1 from artifact_blobs u where u.digest = b.digest)`
      expect(useless).toEqual([])
      expect(await place.db.all`select location from condemned_blobs`).toEqual([])
      expect(await place.db.all`select id from uploads`).toEqual([])
      expect(await Array.fromAsync(place.uploads.list())).toEqual([])
    }

    const all = [...SCENARIOS, ...LIFE_SCENARIOS]
    const scenarios = IS_LONG && name === 'postgres-s3' ? [...all, ...PARTS_SCENARIOS] : all
    for (const scenario of scenarios) {
      it(
        `loses and leaks nothing: ${scenario.name}`,
        async () => {
          await run(scenario, null)
          const faults = faultsFor(plan.names)
          expect(faults.length).toBeGreaterThan(0)
          const most = SHORT[name === 'sqlite-disk' ? 'cheap' : 'dear']
          const share = (moment: FaultMoment) =>
            IS_LONG ? 1 : most[moment] / faults.filter((fault) => fault.moment === moment).length
          const taken = faults.filter(({ moment }) => chance.happens(share(moment)))
          for (const fault of taken) await run(scenario, fault)
        },
        SCENARIO_MS,
      )
    }
  })
}

// the short form meets both engines and both stores; every pair of them is for the long one
for (const name of BACKINGS) if (IS_LONG || name !== 'postgres-disk') faultTests(name)
