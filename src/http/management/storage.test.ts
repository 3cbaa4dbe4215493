import { afterEach, describe, expect, it } from 'bun:test'
import { describeOnEveryDatabase, type OpenDatabase } from '../../../tests/harness/every-database.ts'
import { pushBytes, putDocument, TestRegistry } from '../../../tests/harness/registry.ts'
import { expectProblem, TestApi } from '../../../tests/harness/test-api.ts'
import { StorageShape } from '../../api/storage.ts'
import { saveUpkeepReport } from '../../catalog/upkeep-reports.ts'
import type { Actor } from '../../core/actor.ts'
import type { Digest } from '../../core/digest.ts'
import { claimJob, failJob, saveJob } from '../../jobs/queue.ts'
import type { WritablePackage } from '../../repositories/package.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

const random = () => crypto.getRandomValues(new Uint8Array(50))

function document(mediaType: string, json: object) {
  return { mediaType, bytes: new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...json })) }
}

async function pushImage(pkg: WritablePackage, layer: Digest, tags: string[]): Promise<Digest> {
  const config = await pushBytes(pkg, random())
  const content = document(MANIFEST, {
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 50 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size: 50 }],
  })
  return putDocument(pkg, content, { tags })
}

function storageContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const test = await TestRegistry.open(await open())
    opened.push(test)
    const root = test.actor(await test.user('root', { isAdmin: true }))
    const api = new TestApi(test, root)
    const storage = async () => StorageShape.parse(await api.must('GET', 'storage'))
    await test.repository('demo')
    return { test, root, api, storage, pkg: await test.push('demo/app') }
  }
  const damage = (test: TestRegistry, digest: Digest) =>
    test.db.transaction((tx) => tx.run`update blobs set damaged_at = 1000 where digest = ${digest}`)

  describe('the health of the store', () => {
    it('is good where nothing is known to be bad, also of an empty registry', async () => {
      const { storage, pkg } = await start()
      expect(await storage()).toMatchObject({ healthy: true, problems: [], damaged: [], oldestCheckAt: null })
      await pushBytes(pkg, random())
      const after = await storage()
      expect(after).toMatchObject({ healthy: true, damagedCount: 0, orphans: null, reports: [], waitingReviews: 1 })
      expect(after.oldestCheckAt! > '2000').toBe(true)
    })

    it('names every image that needs a damaged blob: by tag, by the tag of its index, by digest, or not at all', async () => {
      const { test, storage, pkg } = await start()
      const layer = await pushBytes(pkg, random())
      const tagged = await pushImage(pkg, layer, ['1', 'latest'])
      const child = await pushImage(pkg, layer, [])
      await putDocument(pkg, document(INDEX, { manifests: [{ mediaType: MANIFEST, digest: child, size: 50 }] }), {
        tags: ['all'],
      })
      const bare = await pushImage(pkg, layer, [])
      await (await test.push('demo/other')).mount(layer, await test.push('demo/app'))
      await damage(test, layer)
      const { damaged, healthy, problems } = await storage()
      expect([healthy, problems]).toEqual([false, ['1 blob is damaged or missing.']])
      expect(damaged).toHaveLength(1)
      expect(damaged[0]).toMatchObject({ digest: layer, size: 50, since: '1970-01-01T00:00:01.000Z' })
      const needs = damaged[0]!.neededBy.map(({ image, manifest, tag }) => `${image} ${manifest} ${tag}`)
      expect(needs.sort()).toEqual(
        [
          `demo/app ${tagged} 1`,
          `demo/app ${tagged} latest`,
          `demo/app ${child} all`,
          `demo/app ${bare} null`,
          'demo/other null null',
        ].sort(),
      )
      expect(damaged[0]!.advice).toMatch(/^Push demo\/app:(1|all) again from where it was built or pulled/)
    })

    it('says what to do about a blob that only a manifest without a tag needs, and about one that nothing needs', async () => {
      const { test, storage, pkg } = await start()
      const [needed, idle] = [await pushBytes(pkg, random()), await pushBytes(pkg, random())]
      const bare = await pushImage(pkg, needed, [])
      for (const digest of [needed, idle]) await damage(test, digest)
      const { damaged } = await storage()
      const adviceOn = (digest: Digest) => damaged.find((blob) => blob.digest === digest)?.advice
      expect(adviceOn(needed)).toStartWith(`Push demo/app@${bare} again`)
      expect(adviceOn(idle)).toBe('No manifest needs it: nothing need be done.')
    })

    it('lists a hundred damaged blobs, and counts the others', async () => {
      const { test, storage, pkg } = await start()
      for (let more = 0; more < 103; more++) await pushBytes(pkg, random())
      await test.db.transaction((tx) => tx.run`update blobs set damaged_at = 1`)
      const { damaged, damagedCount } = await storage()
      expect([damaged.length, damagedCount]).toEqual([100, 103])
    })

    it('is bad when a comparison did not dare to repair, and when a check fails again and again', async () => {
      const { test, storage } = await start()
      const heldBack = { orphans: null, missing: 'the store does not have 9 of the 9 blobs in the database' }
      const report = { orphans: 3, orphanBytes: 30, removed: 2, heldBack }
      await test.db.transaction((tx) => saveUpkeepReport(tx, 'reconcile', report, 5000))
      const doubtful = await storage()
      expect(doubtful).toMatchObject({ healthy: false, orphans: { files: 3, bytes: 30, removed: 2 } })
      expect(doubtful.problems).toEqual([
        'Nothing was repaired, as the store does not have 9 of the 9 blobs in the database: is it the right store, and the right database?',
      ])
      expect(doubtful.reports).toEqual([{ kind: 'reconcile', finishedAt: '1970-01-01T00:00:05.000Z', report }])
      await test.db.transaction((tx) =>
        saveUpkeepReport(tx, 'reconcile', { ...report, heldBack: { orphans: null, missing: null } }, 6000),
      )
      await test.db.transaction((tx) => saveJob(tx, { kind: 'scrub', subject: 'all' }, 0))
      for (let attempt = 1; attempt <= 3; attempt++) {
        const job = await claimJob(test.db, ['scrub'], 'worker', 1)
        await failJob(test.db, job!.id, 'worker', 'Error: no store', 0)
        expect([attempt, (await storage()).healthy]).toEqual([attempt, attempt < 3])
      }
      const { problems, jobs } = await storage()
      expect(problems).toEqual(['The job "scrub" fails: Error: no store'])
      expect(jobs).toEqual([
        { kind: 'scrub', subject: 'all', state: 'queued', attempts: 3, failure: 'Error: no store' },
      ])
    })

    it('shows jobs of other kinds that were given up, which say nothing of the bytes', async () => {
      const { test, storage } = await start()
      await test.db.transaction((tx) => saveJob(tx, { kind: 'scan', subject: 'sha256:x' }, 0))
      const job = await claimJob(test.db, ['scan'], 'worker', 1)
      await failJob(test.db, job!.id, 'worker', 'Error: no', null)
      expect(await storage()).toMatchObject({ healthy: true, jobs: [{ kind: 'scan', state: 'failed' }] })
    })

    it('is shown to a token that may only read, which starts nothing', async () => {
      const { root, api } = await start()
      const reading: Actor = { ...root, readOnly: true }
      expect((await api.ask(reading, 'GET', 'storage')).status).toBe(200)
      expectProblem(await api.ask(reading, 'POST', 'storage/check', {}), 403, 'DENIED')
    })
  })

  describe('a check that is asked for', () => {
    it('is a job of each kind that is wanted, beside the repeating ones', async () => {
      const { test, api, storage } = await start()
      await test.db.transaction((tx) => saveJob(tx, { kind: 'scrub', subject: 'all', runAt: 9e12 }, 0))
      const asked = async (body: object) => (await api.must('POST', 'storage/check', body)).jobs
      expect(await asked({ reconcile: false })).toEqual(['scrub'])
      expect(await asked({ scrub: false, sure: true })).toEqual(['reconcile'])
      expect(await asked({})).toEqual(['scrub', 'reconcile'])
      const kinds = (await storage()).jobs.map(({ kind, subject }) => `${kind} ${subject}`)
      expect(kinds).toEqual(['reconcile asked', 'scrub all', 'scrub asked'])
      const row = await test.db.first<{ run_at: number }>`select run_at from jobs where subject = 'all'`
      expect(row?.run_at).toBe(9e12)
    })

    it('refuses what it does not know', async () => {
      const { api } = await start()
      expectProblem(await api.ask(api.root, 'POST', 'storage/check', { deep: true }), 400, 'INVALID')
    })
  })
}

describeOnEveryDatabase('the API of the store', storageContract)
