import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { FaultyDatabase } from '../../tests/harness/faulty-database.ts'
import { pushBytes, putDocument, TestRegistry } from '../../tests/harness/registry.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { type Completeness, DEFAULT_SETTINGS } from '../core/repository.ts'
import type { WritablePackage } from './package.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar'

function document(mediaType: string, json: object) {
  return { mediaType, bytes: new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...json })) }
}

function manifestOf(config: Digest, layers: readonly Digest[] = [], layerType = LAYER) {
  return document(MANIFEST, {
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: config, size: 4 },
    layers: layers.map((digest) => ({ mediaType: layerType, digest, size: 4 })),
  })
}

function indexOf(children: readonly Digest[], mark = '') {
  const manifests = children.map((digest) => ({ mediaType: MANIFEST, digest, size: 4 }))
  return document(INDEX, { mediaType: INDEX, manifests, annotations: { mark } })
}

const random = () => crypto.getRandomValues(new Uint8Array(4 + Math.floor(Math.random() * 9)))

/** Artifacts and tags: what a push checks, and what of it is seen when. */
export function artifactsContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (completeness: Completeness = 'index') => {
    const db = new FaultyDatabase(await open())
    const test = await TestRegistry.open(db)
    opened.push(test)
    await test.repository('demo', 'private', { ...DEFAULT_SETTINGS, completeness })
    return { test, db, pkg: await test.push('demo/app') }
  }
  const image = async (pkg: WritablePackage) =>
    manifestOf(await pushBytes(pkg, random()), [await pushBytes(pkg, random())])
  const tagged = (...tags: string[]) => ({ tags })

  describe('a repository', () => {
    const absent = digestOf('absent')
    it.each([
      ['full', { blob: false, child: false }],
      ['index', { blob: false, child: true }],
      ['any', { blob: true, child: true }],
    ] as const)('of completeness "%s" takes what it should', async (completeness, takes) => {
      const { pkg } = await start(completeness)
      const config = await pushBytes(pkg, random())
      const codes = {
        blob: await failureCode(putDocument(pkg, manifestOf(config, [absent]))),
        config: await failureCode(putDocument(pkg, manifestOf(absent))),
        child: await failureCode(putDocument(pkg, indexOf([absent]))),
      }
      const code = (isTaken: boolean) => (isTaken ? 'no error' : 'MANIFEST_BLOB_UNKNOWN')
      expect(codes).toEqual({ blob: code(takes.blob), config: code(takes.blob), child: code(takes.child) })
      expect(await failureCode(putDocument(pkg, manifestOf(config, [absent], FOREIGN)))).toBe('no error')
      const child = await putDocument(pkg, manifestOf(config))
      expect(await failureCode(putDocument(pkg, indexOf([child])))).toBe('no error')
    })

    it('shows nothing of a push that fails in the end, and takes it again', async () => {
      const { test, db, pkg } = await start()
      const made = await image(pkg)
      db.failOnce('insert into jobs', 'rolled-back')
      expect(await failureCode(putDocument(pkg, made, tagged('v1')))).toBe('UNAVAILABLE')
      const digest = digestOf(made.bytes)
      expect([await pkg.find('v1'), await pkg.find(digest)]).toEqual([null, null])
      expect([await db.all`select * from jobs`, await db.all`select * from tag_history`, test.jobs]).toEqual([
        [],
        [],
        0,
      ])
      await putDocument(pkg, made, tagged('v1'))
      expect((await pkg.find('v1'))?.digest).toBe(digest)
      expect(test.jobs).toBe(1)
    })

    it('keeps in one image what is deleted in another', async () => {
      const { test, pkg } = await start()
      const other = await test.push('demo/other')
      const config = await pushBytes(pkg, random())
      await other.mount(config, pkg)
      for (const each of [pkg, other]) await putDocument(each, manifestOf(config), tagged('v1'))
      const removing = await test.registry.toDelete(
        test.actor(await test.user('root', { isAdmin: true })),
        test.name('demo/app'),
      )
      expect(await removing.removeArtifact(digestOf(manifestOf(config).bytes))).toBe(true)
      expect(await removing.removeBlob(config)).toBe(true)
      expect([await removing.removeBlob(config), await removing.removeTag('v1')]).toEqual([false, false])
      const seen = async (name: string) => {
        const fresh = await test.push(name)
        return [(await fresh.find('v1'))?.mediaType ?? null, (await fresh.statBlob(config))?.digest ?? null]
      }
      expect(await seen('demo/app')).toEqual([null, null])
      expect(await seen('demo/other')).toEqual([MANIFEST, config])
    })

    it('goes on giving blobs while nothing can be written', async () => {
      const { test, db, pkg } = await start()
      const digest = await pushBytes(pkg, random())
      test.auth.ahead = 3_600_000
      db.failOnce('update blobs set touched_at', 'rolled-back')
      const fresh = await test.push('demo/app')
      expect((await fresh.statBlob(digest))?.digest).toBe(digest)
      expect((await fresh.openBlob(digest)).kind).toBe('file')
    })
  })

  describe('a tag', () => {
    it('has a history: where it pointed, since when, by whom, and that it was taken away', async () => {
      const { test, db, pkg } = await start()
      const [first, second] = [indexOf([], '1'), indexOf([], '2')]
      await putDocument(pkg, first, tagged('v1'))
      test.auth.ahead = 5_000
      await putDocument(pkg, second, tagged('v1', 'latest'))
      const root = test.actor(await test.user('root', { isAdmin: true }))
      const removing = await test.registry.toDelete(root, test.name('demo/app'))
      await removing.removeTag('latest')
      await removing.removeArtifact(digestOf(second.bytes))
      const rows = await db.all<{ name: string; digest: string | null; changed_by: string; changed_at: number }>`
        select name, digest, changed_by, changed_at from tag_history order by id`
      expect(rows.map(({ name, digest, changed_by }) => [name, digest, changed_by])).toEqual([
        ['v1', digestOf(first.bytes), 'seawall'],
        ['latest', digestOf(second.bytes), 'seawall'],
        ['v1', digestOf(second.bytes), 'seawall'],
        ['latest', null, 'root'],
        ['v1', null, 'root'],
      ])
      expect(rows[1]!.changed_at - rows[0]!.changed_at).toBeGreaterThanOrEqual(5_000)
    })

    it('that many push at once ends where one of them put it, and every one is in its history', async () => {
      const { test, db, pkg } = await start()
      const documents = Array.from({ length: 10 }, (_, n) => indexOf([], `${n}`))
      await Promise.all(
        documents.map(async (each) => putDocument(await test.push('demo/app'), each, tagged('v1', 'latest'))),
      )
      const rows = await db.all<{ digest: Digest }>`select digest from tag_history where name = 'v1' order by id`
      expect(rows.length).toBe(10)
      const [v1, latest] = [await pkg.find('v1'), await pkg.find('latest')]
      expect(v1?.digest).toBe(latest!.digest)
      expect(rows.map(({ digest }) => digest)).toContain(v1!.digest)
      expect(await pkg.tags({ limit: 10 })).toEqual({ items: ['latest', 'v1'] })
    })

    it('that is pushed on the condition that it is new is made by exactly one of ten', async () => {
      const { test, pkg } = await start()
      const results = await Promise.all(
        Array.from({ length: 10 }, async (_, n) =>
          failureCode(
            putDocument(await test.push('demo/app'), indexOf([], `${n}`), { tags: ['v1'], expected: 'none' }),
          ),
        ),
      )
      expect(results.filter((code) => code === 'no error').length).toBe(1)
      expect(results.filter((code) => code === 'PRECONDITION_FAILED').length).toBe(9)
      const winner = results.indexOf('no error')
      expect((await pkg.find('v1'))?.digest).toBe(digestOf(indexOf([], `${winner}`).bytes))
      for (const loser of [0, 1].filter((n) => n !== winner)) {
        expect(await pkg.find(digestOf(indexOf([], `${loser}`).bytes))).toBeNull()
      }
    })

    it('that is moved on the condition of where it was is moved by exactly one of ten, whoever else pushes', async () => {
      const { test, db, pkg } = await start()
      const old = await putDocument(pkg, indexOf([], 'old'), tagged('v1'))
      const conditional = Array.from({ length: 10 }, async (_, n) =>
        failureCode(putDocument(await test.push('demo/app'), indexOf([], `${n}`), { tags: ['v1'], expected: [old] })),
      )
      const plain = putDocument(await test.push('demo/app'), indexOf([], 'plain'), tagged('v1'))
      const moved = (await Promise.all(conditional)).filter((code) => code === 'no error').length
      const plainDigest = await plain
      const history = await db.all<{ digest: Digest }>`select digest from tag_history order by id`
      expect(moved).toBeLessThanOrEqual(1)
      expect(history.length).toBe(2 + moved)
      // one that won came before the push that asked nothing
      expect((await pkg.find('v1'))!.digest).toBe(plainDigest)
    })

    it.each([
      ['any', { free: 'PRECONDITION_FAILED', taken: 'no error' }],
      ['none', { free: 'no error', taken: 'PRECONDITION_FAILED' }],
      [[digestOf('other')], { free: 'PRECONDITION_FAILED', taken: 'PRECONDITION_FAILED' }],
      [[], { free: 'PRECONDITION_FAILED', taken: 'PRECONDITION_FAILED' }],
    ] as const)('is pushed only where it is expected to be: %p', async (expected, codes) => {
      const { pkg } = await start()
      await putDocument(pkg, indexOf([], 'there'), tagged('taken'))
      const push = (tag: string) => failureCode(putDocument(pkg, indexOf([], tag), { tags: [tag], expected }))
      expect({ free: await push('free'), taken: await push('taken') }).toEqual(codes)
    })

    it('tells the media type that the artifact was pushed with last', async () => {
      const { pkg } = await start()
      const config = await pushBytes(pkg, random())
      const json = { config: { mediaType: CONFIG, digest: config, size: 4 }, layers: [] }
      await putDocument(pkg, document(MANIFEST, json), tagged('a'))
      await putDocument(pkg, document(DOCKER, json), tagged('b'))
      const digest = digestOf(document(MANIFEST, json).bytes)
      const types = await Promise.all(['a', 'b', digest].map(async (name) => (await pkg.find(name))?.mediaType))
      expect(types).toEqual([DOCKER, DOCKER, DOCKER])
    })

    it('is found whenever it is there, however its artifacts come and go', async () => {
      const { test, pkg } = await start()
      const root = test.actor(await test.user('root', { isAdmin: true }))
      const removing = await test.registry.toDelete(root, test.name('demo/app'))
      await putDocument(pkg, indexOf([], 'first'), tagged('v1'))
      let isDone = false
      const reading = (async () => {
        const reader = await TestRegistry.open(test.db)
        opened.push(reader)
        const fresh = await reader.push('demo/app')
        while (!isDone) {
          expect(await fresh.find('v1')).not.toBeNull()
          // Where a read never waits, a loop of reads would leave nobody else a turn.
          await Bun.sleep(0)
        }
      })()
      let before = digestOf(indexOf([], 'first').bytes)
      for (let n = 0; n < 50; n++) {
        const next = await putDocument(pkg, indexOf([], `${n}`), tagged('v1'))
        await removing.removeArtifact(before)
        before = next
      }
      isDone = true
      await reading
    })
  })
}
