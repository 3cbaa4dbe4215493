import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { bodyOf, pushBytes, putDocument, TestRegistry } from '../../tests/harness/registry.ts'
import { findUsage } from '../catalog/usage.ts'
import { SYSTEM } from '../core/actor.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { SILENT } from '../core/log.ts'
import { DEFAULT_SETTINGS } from '../core/repository.ts'
import { collect } from '../maintenance/collect.ts'
import { Collector } from '../maintenance/collector.ts'
import type { WritablePackage } from './package.ts'

const DAY = 86_400_000
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(size))
}

function manifestOf(config: Digest, layers: readonly Digest[], mark = '') {
  const json = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: config, size: 4 },
    layers: layers.map((digest) => ({ mediaType: LAYER, digest, size: 4 })),
    annotations: { mark },
  }
  return { mediaType: MANIFEST, bytes: new TextEncoder().encode(JSON.stringify(json)) }
}

/** Pushes by an upload of its own, whose size is told by nobody. */
async function pushInParts({ uploads }: WritablePackage, bytes: Uint8Array): Promise<void> {
  const { id } = await uploads.start('sha256')
  await uploads.append(id, {}, bodyOf(bytes))
  await uploads.commit(id, digestOf(bytes), {}, null)
}

/** A body that tells whether anybody has asked for a byte of it. */
function watchedBody(size: number) {
  const seen = { isRead: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.isRead = true
        controller.enqueue(bytesOf(size))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, body }
}

/** Quotas: exact, whoever pushes at the same moment. */
export function quotaContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (quotaBytes: number | null) => {
    const test = await TestRegistry.open(await open())
    opened.push(test)
    const { id } = await test.repository('demo', 'private', { ...DEFAULT_SETTINGS, quotaBytes })
    await test.repository('elsewhere')
    const usage = async () => {
      const { blobBytes, documentBytes } = await findUsage(test.db, id)
      return blobBytes + documentBytes
    }
    /** What the rows come to, counted anew. */
    const counted = async () => {
      const row = await test.db.first<{ blobs: number; documents: number }>`
        select
          (select cast(coalesce(sum(b.size), 0) as bigint) from blobs b where b.digest in (
            select l.digest from package_blobs l join packages p on p.id = l.package_id
            where p.repository_id = ${id})) as blobs,
          (select cast(coalesce(sum(a.size), 0) as bigint) from artifacts a join packages p on p.id = a.package_id
            where p.repository_id = ${id}) as documents`
      return (row?.blobs ?? 0) + (row?.documents ?? 0)
    }
    const set = (quota: number | null) => test.change('demo', { ...DEFAULT_SETTINGS, quotaBytes: quota })
    return { test, usage, counted, set, pkg: await test.push('demo/app') }
  }

  async function storedFiles(test: TestRegistry): Promise<number> {
    const rows = await test.db.all`select digest from blobs`
    let files = 0
    for await (const _ of test.services.blobs.list()) files++
    expect(files).toBe(rows.length)
    return files
  }

  async function clear({ db, services }: TestRegistry, now: number): Promise<void> {
    const patience = { graceMs: DAY, removeAfterMs: 0 }
    const collector = new Collector({ db, blobs: services.blobs, clock: () => now, log: SILENT, ...patience })
    const run = { pause: async () => {}, signal: new AbortController().signal, mostSteps: 10_000, log: SILENT }
    await collect(collector, run)
  }

  describe('a quota', () => {
    it('lets exactly so many of 50 pushes at once in as fit', async () => {
      const { test, usage } = await start(20_000)
      const results = await Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          const pkg = await test.push(`demo/app-${n % 7}`)
          return failureCode(n % 2 === 0 ? pushBytes(pkg, bytesOf(1_000)) : pushInParts(pkg, bytesOf(1_000)))
        }),
      )
      expect(results.filter((code) => code === 'no error').length).toBe(20)
      expect(results.filter((code) => code === 'QUOTA_EXCEEDED').length).toBe(30)
      expect(await usage()).toBe(20_000)
      expect(await storedFiles(test)).toBe(20)
    })

    it('is never passed by blobs, mounts and manifests of any size that come at once, nor counted wrong', async () => {
      const { test, usage, counted } = await start(30_000)
      const source = await test.push('elsewhere/app')
      const shared = await Promise.all(Array.from({ length: 10 }, () => pushBytes(source, bytesOf(700))))
      const own = Array.from({ length: 10 }, (_, n) => bytesOf(300 + 100 * n))
      let isDone = false
      const watching = (async () => {
        while (!isDone) {
          expect(await usage()).toBeLessThanOrEqual(30_000)
          await Bun.sleep(1)
        }
      })()
      const codes = await Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          const pkg = await test.push(`demo/app-${n % 3}`)
          // Each of these is pushed to several images of the repository, and counts once.
          if (n % 3 === 0) return failureCode(pushBytes(pkg, own[n % 10]!))
          if (n % 3 === 1) return failureCode(pkg.mount(shared[n % 10]!, source))
          const config = bytesOf(100)
          const pushed = await failureCode(pushBytes(pkg, config))
          if (pushed !== 'no error') return pushed
          return failureCode(putDocument(pkg, manifestOf(digestOf(config), [], 'x'.repeat(900)), { tags: [`v${n}`] }))
        }),
      )
      isDone = true
      await watching
      expect(new Set(codes)).toEqual(new Set(['no error', 'QUOTA_EXCEEDED']))
      expect(await usage()).toBe(await counted())
      expect(await usage()).toBeLessThanOrEqual(30_000)
      expect(await usage()).toBeGreaterThan(27_000)
      await storedFiles(test)
    })

    it('counts a blob once that comes to two images of the repository at once', async () => {
      const { test, usage, counted } = await start(1_500)
      const bytes = bytesOf(1_000)
      const codes = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => failureCode(pushBytes(await test.push(`demo/app-${n % 4}`), bytes))),
      )
      expect(new Set(codes)).toEqual(new Set(['no error']))
      expect([await usage(), await counted()]).toEqual([1_000, 1_000])
    })

    it('has its room back when what was deleted is purged and collected, and not before', async () => {
      const { test, pkg, usage, counted } = await start(4_000)
      const [config, layer] = [await pushBytes(pkg, bytesOf(100)), await pushBytes(pkg, bytesOf(3_000))]
      const digest = await putDocument(pkg, manifestOf(config, [layer]), { tags: ['v1'] })
      const full = await usage()
      expect(await failureCode(pushBytes(pkg, bytesOf(1_000)))).toBe('QUOTA_EXCEEDED')
      await (await test.registry.toDelete(SYSTEM, test.name('demo/app'))).removeArtifact(digest)
      await clear(test, test.auth.now() + 2 * DAY)
      expect(await usage()).toBe(full)
      expect(await failureCode(pushBytes(pkg, bytesOf(1_000)))).toBe('QUOTA_EXCEEDED')
      for (const days of [8, 10, 12]) await clear(test, test.auth.now() + days * DAY)
      expect([await usage(), await counted()]).toEqual([0, 0])
      expect(await storedFiles(test)).toBe(0)
      expect(await failureCode(pushBytes(pkg, bytesOf(4_000)))).toBe('no error')
    })

    it('below what is held refuses pushes, and lets pulls and deletions go on', async () => {
      const { test, pkg, set } = await start(null)
      const [config, layer] = [await pushBytes(pkg, bytesOf(100)), await pushBytes(pkg, bytesOf(3_000))]
      const digest = await putDocument(pkg, manifestOf(config, [layer]), { tags: ['v1', 'v2'] })
      await set(1_000)
      const after = await test.push('demo/app')
      expect(await failureCode(pushBytes(after, bytesOf(1)))).toBe('QUOTA_EXCEEDED')
      expect(await failureCode(putDocument(after, manifestOf(config, []), { tags: ['v3'] }))).toBe('QUOTA_EXCEEDED')
      // What is there already takes no room.
      expect(await failureCode(putDocument(after, manifestOf(config, [layer]), { tags: ['v3'] }))).toBe('no error')
      expect((await after.find('v1'))?.digest).toBe(digest)
      expect((await after.openBlob(layer)).kind).toBe('file')
      const removing = await test.registry.toDelete(SYSTEM, test.name('demo/app'))
      expect([await removing.removeTag('v2'), await removing.removeArtifact(digest)]).toEqual([true, true])
      await set(null)
      expect(await failureCode(pushBytes(await test.push('demo/app'), bytesOf(9_000)))).toBe('no error')
    })

    it('leaves no trace of a manifest that it refuses', async () => {
      const { test, pkg } = await start(500)
      const config = await pushBytes(pkg, bytesOf(300))
      const jobs = test.jobs
      const big = manifestOf(config, [], 'x'.repeat(500))
      expect(await failureCode(putDocument(pkg, big, { tags: ['v1', 'v2'] }))).toBe('QUOTA_EXCEEDED')
      const { db } = test
      expect([
        await db.all`select digest from artifacts`,
        await db.all`select name from tags`,
        await db.all`select name from tag_history`,
        await db.all`select kind from jobs`,
        await db.all`select digest from artifact_blobs`,
      ]).toEqual([[], [], [], [], []])
      expect([await pkg.find('v1'), await pkg.find(digestOf(big.bytes)), test.jobs - jobs]).toEqual([null, null, 0])
      await pushBytes(await test.push('elsewhere/new'), bytesOf(5_000))
      const source = await test.push('elsewhere/new')
      const absent = await test.push('demo/never')
      const mounted = absent.mount(await pushBytes(source, bytesOf(5_000)), source)
      expect(await failureCode(mounted)).toBe('QUOTA_EXCEEDED')
      expect(await db.all`select name from packages where full_name = 'demo/never'`).toEqual([])
    })

    it('says how much there is, and how much would be added', async () => {
      const { pkg } = await start(1_000)
      await pushBytes(pkg, bytesOf(600))
      const refused = await pushBytes(pkg, bytesOf(500)).catch((error: unknown) => error)
      expect(refused).toMatchObject({
        message: 'quota exceeded: the repository holds 600 of 1000 bytes, and this would add 500',
        detail: { used: 600, added: 500, quota: 1_000 },
      })
    })
  })

  describe('an upload that cannot fit', () => {
    it('is refused before a byte of it is read, where its size is said', async () => {
      const { pkg } = await start(1_000)
      await pushBytes(pkg, bytesOf(600))
      const bytes = bytesOf(500)
      const whole = watchedBody(500)
      expect(await failureCode(pkg.uploads.put(digestOf(bytes), { length: 500 }, whole.body))).toBe('QUOTA_EXCEEDED')
      const { id } = await pkg.uploads.start('sha256')
      const big = watchedBody(700)
      expect(await failureCode(pkg.uploads.append(id, { length: 700 }, big.body))).toBe('QUOTA_EXCEEDED')
      await pkg.uploads.append(id, { length: 300 }, bodyOf(bytes.slice(0, 300)))
      const last = watchedBody(200)
      const ended = pkg.uploads.commit(id, digestOf(bytes), { length: 200 }, last.body)
      expect(await failureCode(ended)).toBe('QUOTA_EXCEEDED')
      expect([whole.seen.isRead, big.seen.isRead, last.seen.isRead]).toEqual([false, false, false])
      // Smaller after all: the upload is where it was.
      expect((await pkg.uploads.stat(id)).offset).toBe(300)
      expect(await failureCode(pkg.uploads.commit(id, digestOf(bytes.slice(0, 300)), {}, null))).toBe('no error')
    })

    it('is not begun when there is no room at all, but for what heals a damaged blob', async () => {
      const { test, pkg } = await start(1_000)
      const bytes = bytesOf(1_000)
      const digest = await pushBytes(pkg, bytes)
      expect(await failureCode(pkg.uploads.start('sha256'))).toBe('QUOTA_EXCEEDED')
      await test.db.transaction((tx) => tx.run`update blobs set damaged_at = 1 where digest = ${digest}`)
      const { id } = await pkg.uploads.start('sha256')
      await pkg.uploads.append(id, { length: 1_000 }, bodyOf(bytes))
      expect(await failureCode(pkg.uploads.commit(id, digest, {}, null))).toBe('no error')
      expect((await (await test.push('demo/app')).openBlob(digest)).kind).toBe('file')
    })

    it('is not confused with one that the repository has already', async () => {
      const { test, pkg } = await start(1_500)
      const bytes = bytesOf(1_000)
      const digest = await pushBytes(pkg, bytes)
      const other = await test.push('demo/other')
      await other.uploads.put(digest, { length: 1_000 }, bodyOf(bytes))
      const { id } = await (await test.push('demo/third')).uploads.start('sha256')
      const third = await test.push('demo/third')
      await third.uploads.append(id, { length: 1_000 }, bodyOf(bytes))
      expect(await failureCode(third.uploads.commit(id, digest, {}, null))).toBe('no error')
    })

    it('leaves no bytes among the blobs when it is refused in the end, and may come again', async () => {
      const { test, pkg, set } = await start(10_000)
      const bytes = bytesOf(800)
      const { id } = await pkg.uploads.start('sha256')
      await pkg.uploads.append(id, {}, bodyOf(bytes))
      // This process has not heard of it.
      await test.db.transaction((tx) => tx.run`update repository_usage set quota_bytes = 500`)
      expect(await failureCode(pkg.uploads.commit(id, digestOf(bytes), {}, null))).toBe('QUOTA_EXCEEDED')
      expect(await storedFiles(test)).toBe(0)
      await set(20_000)
      expect(await failureCode(pushBytes(await test.push('demo/app'), bytes))).toBe('no error')
      expect(await storedFiles(test)).toBe(1)
    })
  })
}
