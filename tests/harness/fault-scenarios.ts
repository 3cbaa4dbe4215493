import { expect } from 'bun:test'
import { findBlobAnywhere } from '../../src/catalog/blobs.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { type Digest, type DigestAlgorithm, digestOf } from '../../src/core/digest.ts'
import { expireUploads, removeStrayUploads } from '../../src/maintenance/expire-uploads.ts'
import type { ReadablePackage, WritablePackage } from '../../src/repositories/package.ts'
import { descriptorOf, json, TYPES } from '../protocol/samples.ts'
import { bodyOf, pushBytes, putDocument, type TestRegistry } from './registry.ts'
import type { Chance } from './torture.ts'

/** Where one run of a scenario happens: a package that nobody else uses, behind seams that may fail. */
export interface Stage {
  readonly test: TestRegistry
  /** `demo/<something>` */
  readonly name: string
  readonly chance: Chance
}

/** One thing that a client does. */
export interface Play {
  /** What must be there before; nothing fails meanwhile. */
  prepare?(): Promise<void>
  /** The client's requests. Called again after a failure, it goes on as clients do, knowing what it was told. */
  act(): Promise<void>
  /** What must be true once `act` went well. */
  check(): Promise<void>
}

/** A kind of play, and how a stage is set for it. */
export interface Scenario {
  readonly name: string
  readonly begin: (stage: Stage) => Play
}

const never = new AbortController().signal

/** All bytes of a blob, as a client gets them. */
async function bytesOf(pkg: ReadablePackage, digest: Digest): Promise<Digest> {
  const opened = await pkg.openBlob(digest)
  if (opened.kind === 'link') throw new Error('these stores give no links')
  const bytes = opened.kind === 'file' ? await Bun.file(opened.path).bytes() : await new Response(opened.stream).bytes()
  return digestOf(bytes)
}

async function expectBlob(stage: Stage, digest: Digest): Promise<void> {
  const pkg = await stage.test.push(stage.name)
  const opened = await bytesOf(pkg, digest)
  if (digest.startsWith('sha256')) expect(opened).toBe(digest)
}

/** How an upload is sent. */
interface Sending {
  readonly size: number
  /** Bytes of each request before the closing one; what is left goes with that. */
  readonly chunks: readonly number[]
  readonly algorithm?: DigestAlgorithm
}

/** A client that asks after a failure how far the registry has come, and goes on from there. */
function resuming(stage: Stage, { size, chunks, algorithm = 'sha256' }: Sending): Play {
  const bytes = stage.chance.bytes(size)
  const digest = digestOf(bytes, algorithm)
  const uploads = async () => (await stage.test.push(stage.name)).uploads
  let id: string | null = null
  let acknowledged = 0
  return {
    async act() {
      if (id !== null && (await (await stage.test.push(stage.name)).statBlob(digest))) return
      id ??= (await (await uploads()).start('sha256')).id
      let { offset } = await (await uploads()).stat(id)
      expect(offset).toBeGreaterThanOrEqual(acknowledged)
      let end = 0
      for (const chunk of chunks) {
        end += chunk
        if (offset >= end) continue
        const body = bodyOf(bytes.subarray(offset, end))
        acknowledged = (await (await uploads()).append(id, { start: offset, length: end - offset }, body)).offset
        offset = acknowledged
      }
      const rest = offset < size ? bodyOf(bytes.subarray(offset)) : null
      await (await uploads()).commit(id, digest, { start: offset }, rest)
    },
    check: () => expectBlob(stage, digest),
  }
}

function image(blobs: readonly { digest: Digest; bytes: Uint8Array<ArrayBuffer> }[]) {
  const [config, ...layers] = blobs.map((one) => ({ ...one, mediaType: TYPES.layer }))
  return json(TYPES.image, {
    schemaVersion: 2,
    mediaType: TYPES.image,
    config: { ...descriptorOf(config!), mediaType: TYPES.config },
    layers: layers.map((layer) => descriptorOf(layer)),
  })
}

/** Blobs of a package, and a manifest of them that is not there yet. */
export async function stageImage(stage: Stage) {
  const pkg = await stage.test.push(stage.name)
  const blobs = [stage.chance.bytes(300), stage.chance.bytes(500)].map((bytes) => ({ bytes, digest: digestOf(bytes) }))
  for (const { bytes } of blobs) await pushBytes(pkg, bytes)
  return { pkg, manifest: image(blobs) }
}

/** An image with a tag, and what is done to it. */
function withImage(
  stage: Stage,
  act: (pkg: TestPackage, digest: Digest) => Promise<unknown>,
  check: (pkg: WritablePackage, digest: Digest) => Promise<void>,
): Play {
  let digest: Digest
  return {
    async prepare() {
      const { pkg, manifest } = await stageImage(stage)
      digest = await putDocument(pkg, manifest, { tags: ['v1', 'v2'] })
    },
    async act() {
      await act(await stage.test.registry.toDelete(SYSTEM, stage.test.name(stage.name)), digest)
    },
    check: async () => check(await stage.test.push(stage.name), digest),
  }
}

type TestPackage = Awaited<ReturnType<TestRegistry['registry']['toDelete']>>

const uploadScenarios: readonly Scenario[] = [
  { name: 'a blob by one POST', begin: (stage) => oneRequest(stage, 700) },
  { name: 'a blob by POST and PUT', begin: (stage) => resuming(stage, { size: 900, chunks: [] }) },
  { name: 'an empty blob', begin: (stage) => resuming(stage, { size: 0, chunks: [] }) },
  { name: 'chunks and an empty PUT', begin: (stage) => resuming(stage, { size: 900, chunks: [400, 500] }) },
  { name: 'chunks, the last by PUT', begin: (stage) => resuming(stage, { size: 900, chunks: [300, 400] }) },
  {
    name: 'chunks, closed by another algorithm',
    begin: (stage) => resuming(stage, { size: 900, chunks: [300, 600], algorithm: 'sha512' }),
  },
  {
    name: 'an upload that its client gives up',
    begin(stage) {
      let id: string | null = null
      return {
        async prepare() {
          const { uploads } = await stage.test.push(stage.name)
          id = (await uploads.start('sha256')).id
          await uploads.append(id, {}, bodyOf(stage.chance.bytes(200)))
        },
        async act() {
          const { uploads } = await stage.test.push(stage.name)
          const isThere = id !== null && (await uploads.stat(id).catch(unlessUnknown))
          if (id !== null && isThere) await uploads.cancel(id)
        },
        check: async () => expect(await stage.test.db.all`select id from uploads where id = ${id}`).toEqual([]),
      }
    },
  },
  {
    name: 'uploads that run out',
    begin(stage) {
      let id = ''
      return {
        async prepare() {
          const { uploads } = await stage.test.push(stage.name)
          id = (await uploads.start('sha256')).id
          await uploads.append(id, {}, bodyOf(stage.chance.bytes(200)))
        },
        act: () => expireAll(stage.test),
        check: async () => expect(await stage.test.db.all`select id from uploads where id = ${id}`).toEqual([]),
      }
    },
  },
]

function unlessUnknown(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'BLOB_UPLOAD_UNKNOWN') return null
  throw error
}

let hoursPassed = 0

/** Throws every open upload away, as if a day had gone by; each time later, so that no claim of the last time holds. */
export async function expireAll({ db, services }: TestRegistry): Promise<void> {
  hoursPassed += 1
  const later = Date.now() + 3_600_000 * hoursPassed
  await expireUploads(db, services.uploads, 0, later, never)
  await removeStrayUploads(db, services.uploads, 0, later, never)
}

const imageScenarios: readonly Scenario[] = [
  {
    name: 'a mount',
    begin(stage) {
      const bytes = stage.chance.bytes(600)
      return {
        async prepare() {
          await pushBytes(await stage.test.push(`${stage.name}-source`), bytes)
        },
        async act() {
          const { registry } = stage.test
          const pkg = await stage.test.push(stage.name)
          const source = await registry.findSource(SYSTEM, digestOf(bytes), stage.test.name(`${stage.name}-source`))
          expect(source && (await pkg.mount(digestOf(bytes), source))).not.toBeNull()
        },
        check: () => expectBlob(stage, digestOf(bytes)),
      }
    },
  },
  {
    name: 'a manifest with tags',
    begin(stage) {
      let made: Awaited<ReturnType<typeof stageImage>>
      return {
        async prepare() {
          made = await stageImage(stage)
        },
        async act() {
          await putDocument(await stage.test.push(stage.name), made.manifest, { tags: ['v1', 'v2'] })
        },
        async check() {
          for (const tag of ['v1', 'v2']) expect((await made.pkg.find(tag))?.digest).toBe(made.manifest.digest)
        },
      }
    },
  },
  {
    name: 'the removal of a tag',
    begin: (stage) =>
      withImage(
        stage,
        (pkg) => pkg.removeTag('v1'),
        async (pkg, digest) => {
          expect(await pkg.find('v1')).toBeNull()
          expect((await pkg.find('v2'))?.digest).toBe(digest)
        },
      ),
  },
  {
    name: 'the removal of a manifest',
    begin: (stage) =>
      withImage(
        stage,
        (pkg, digest) => pkg.removeArtifact(digest),
        async (pkg, digest) => {
          expect(await pkg.find('v1')).toBeNull()
          expect(await pkg.find(digest)).toBeNull()
        },
      ),
  },
  {
    name: 'the removal of a blob',
    begin(stage) {
      const bytes = stage.chance.bytes(800)
      return {
        async prepare() {
          await pushBytes(await stage.test.push(stage.name), bytes)
        },
        async act() {
          const pkg = await stage.test.registry.toDelete(SYSTEM, stage.test.name(stage.name))
          await pkg.removeBlob(digestOf(bytes))
        },
        check: async () => expect(await (await stage.test.push(stage.name)).statBlob(digestOf(bytes))).toBeNull(),
      }
    },
  },
  {
    name: 'the healing of a blob',
    begin(stage) {
      const bytes = stage.chance.bytes(800)
      return {
        async prepare() {
          const digest = await pushBytes(await stage.test.push(stage.name), bytes)
          const row = await findBlobAnywhere(stage.test.db, digest)
          await stage.test.services.blobs.remove([row?.location ?? ''])
        },
        async act() {
          await pushBytes(await stage.test.push(stage.name), bytes)
        },
        check: () => expectBlob(stage, digestOf(bytes)),
      }
    },
  },
]

/** Everything that clients do, and what is done behind them. */
export const SCENARIOS: readonly Scenario[] = [...uploadScenarios, ...imageScenarios]

function oneRequest(stage: Stage, size: number): Play {
  const bytes = stage.chance.bytes(size)
  return {
    async act() {
      await pushBytes(await stage.test.push(stage.name), bytes)
    },
    check: () => expectBlob(stage, digestOf(bytes)),
  }
}

/** Uploads in parts, as only the object store has them. */
export const PARTS_SCENARIOS: readonly Scenario[] = [
  { name: 'many parts by one POST', begin: (stage) => oneRequest(stage, 9_000_001) },
  {
    name: 'chunks of many parts, the last by PUT',
    begin: (stage) => resuming(stage, { size: 20_000_003, chunks: [9_000_000, 10_000_000] }),
  },
]
