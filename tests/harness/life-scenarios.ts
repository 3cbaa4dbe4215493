import { expect } from 'bun:test'
import { findBlobAnywhere } from '../../src/catalog/blobs.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { SILENT } from '../../src/core/log.ts'
import { collect } from '../../src/maintenance/collect.ts'
import { Collector } from '../../src/maintenance/collector.ts'
import { reconcile } from '../../src/maintenance/reconcile.ts'
import { descriptorOf, json, TYPES } from '../protocol/samples.ts'
import { type Play, type Scenario, type Stage, stageImage } from './fault-scenarios.ts'
import { bodyOf, pushBytes, putDocument } from './registry.ts'

const DAY_MS = 86_400_000
const never = new AbortController().signal

/** An image with two tags and a signature that names it, all deleted together. */
async function deletedImage(stage: Stage): Promise<{ digest: Digest; signature: Digest }> {
  const { pkg, manifest } = await stageImage(stage)
  const digest = await putDocument(pkg, manifest, { tags: ['v1', 'v2'] })
  const bytes = stage.chance.bytes(100)
  await pushBytes(pkg, bytes)
  const part = { mediaType: 'application/vnd.example.signature', digest: digestOf(bytes), bytes }
  const [config, subject] = [{ ...descriptorOf(part), mediaType: TYPES.config }, descriptorOf(manifest)]
  const document = { schemaVersion: 2, mediaType: TYPES.image, config, layers: [descriptorOf(part)], subject }
  const signature = await putDocument(pkg, json(TYPES.image, document))
  await (await stage.test.registry.toDelete(SYSTEM, stage.test.name(stage.name))).removeArtifact(digest)
  return { digest, signature }
}

async function expectWhole(stage: Stage, { digest, signature }: { digest: Digest; signature: Digest }): Promise<void> {
  const pkg = await stage.test.push(stage.name)
  expect((await pkg.find('v1'))?.digest).toBe(digest)
  const { items } = await pkg.referrers(digest, undefined, { limit: 10 })
  expect(items.map((referrer) => referrer.digest)).toEqual([signature])
}

/** Brings a deleted image back by `act`, and looks whether everything came. */
function bringingBack(stage: Stage, act: (digest: Digest) => Promise<unknown>): Play {
  let made: Awaited<ReturnType<typeof deletedImage>>
  return {
    async prepare() {
      made = await deletedImage(stage)
    },
    async act() {
      // who heard no answer looks first
      if ((await (await stage.test.push(stage.name)).find('v1')) === null) await act(made.digest)
    },
    check: () => expectWhole(stage, made),
  }
}

/** One run of the collector, so long after that everything is due. */
async function collectLater({ test }: Stage, days: number): Promise<void> {
  const clock = () => Date.now() + days * DAY_MS
  const { db, blobs } = test.services
  const collector = new Collector({ db, blobs, clock, log: SILENT, graceMs: 0, removeAfterMs: 0 })
  await collect(collector, { pause: async () => {}, signal: never, mostSteps: 10_000, log: SILENT })
}

/** What happens to things after their push. */
export const LIFE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'taking a deletion back',
    begin: (stage) =>
      bringingBack(stage, async () => {
        await (await stage.test.registry.toRestore(SYSTEM, stage.test.name(stage.name))).undelete('v1')
      }),
  },
  {
    name: 'moving a tag back to what is deleted',
    begin: (stage) =>
      bringingBack(stage, async (digest) => {
        await (await stage.test.registry.toRetag(SYSTEM, stage.test.name(stage.name))).moveTag('v1', digest)
      }),
  },
  {
    name: 'giving a deletion up',
    begin: (stage) => ({
      async prepare() {
        await deletedImage(stage)
      },
      async act() {
        await (await stage.test.registry.toRestore(SYSTEM, stage.test.name(stage.name))).purge('v1')
      },
      async check() {
        const past = await stage.test.registry.toLookBack(SYSTEM, stage.test.name(stage.name))
        expect((await past.deletions({ limit: 10 })).items).toEqual([])
      },
    }),
  },
  {
    name: 'a run of the collector',
    begin(stage) {
      const bytes = stage.chance.bytes(400)
      let kept: Digest
      return {
        async prepare() {
          await deletedImage(stage)
          const { pkg, manifest } = await stageImage(stage)
          kept = await putDocument(pkg, manifest, { tags: ['kept'] })
          await pushBytes(pkg, bytes)
        },
        act: () => collectLater(stage, 10),
        async check() {
          // what a fault has kept it from is done by the next runs
          for (let run = 1; run < 5; run++) await collectLater(stage, 10 + run)
          expect(await findBlobAnywhere(stage.test.db, digestOf(bytes))).toBeNull()
          const pkg = await stage.test.push(stage.name)
          const held = JSON.parse(new TextDecoder().decode((await pkg.find(kept))?.document))
          for (const { digest } of [held.config, ...held.layers]) expect(await pkg.probeBlob(digest)).not.toBeNull()
        },
      }
    },
  },
  {
    name: 'a comparison of store and tables',
    begin(stage) {
      let orphan = ''
      return {
        async prepare() {
          await pushBytes(await stage.test.push(stage.name), stage.chance.bytes(300))
          const { uploads, blobs } = stage.test.services
          const begun = await uploads.create(crypto.randomUUID(), 'sha256')
          const taken = await uploads.append(begun, bodyOf(stage.chance.bytes(200)), 1_000)
          orphan = await blobs.commit(await uploads.seal(taken, 'sha256'))
        },
        async act() {
          const { db, blobs } = stage.test.services
          const settings = { safeAgeMs: 0, graceMs: DAY_MS, removeAfterMs: DAY_MS, isSure: false, pauseMs: 0 }
          await reconcile({ db, blobs, log: SILENT, clock: () => Date.now() + 1_000 }, settings, never)
        },
        check: async () => expect(await stage.test.services.blobs.stat(orphan)).toBeNull(),
      }
    },
  },
]
