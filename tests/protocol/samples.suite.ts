import { describe, expect, it } from 'bun:test'
import type { DigestAlgorithm } from '../../src/core/digest.ts'
import { expectBytes, expectContentHeaders, expectStatus } from './expect-answer.ts'
import type { Place, ReadingGround } from './ground.ts'
import { locationOf } from './image-client.ts'
import { jsonOf } from './registry-client.ts'
import { SAMPLE_KINDS, type SampleKind, type SampleSet } from './sample-sets.ts'
import { type Content, type Descriptor, TYPES } from './samples.ts'
import { UPLOAD_WAYS } from './uploads.ts'

/** How tags come: a tag in the path means sha256, so other digests need the parameter. */
const ROWS: readonly { algorithm: DigestAlgorithm; tagging: 'path' | 'parameter' }[] = [
  { algorithm: 'sha256', tagging: 'path' },
  { algorithm: 'sha256', tagging: 'parameter' },
  { algorithm: 'sha512', tagging: 'parameter' },
]

/** A set, and the image that it was pushed to. */
interface Pushed {
  readonly place: Place
  readonly set: SampleSet
}

interface Index {
  readonly schemaVersion: number
  readonly mediaType: string
  readonly manifests: Descriptor[]
}

function subjectOf(manifest: Content): string | null {
  const { subject }: { subject?: Descriptor } = JSON.parse(new TextDecoder().decode(manifest.bytes))
  return subject?.digest ?? null
}

async function pushManifest({ push }: Place, reference: string, manifest: Content, tags: readonly string[]) {
  const answer = await push.putManifest(reference, manifest, tags)
  expectStatus(answer, 201)
  expect(answer.headers.get('docker-content-digest')).toBe(manifest.digest)
  expect(answer.headers.get('oci-subject')).toBe(subjectOf(manifest))
  const accepted = answer.headers
    .get('oci-tag')
    ?.split(',')
    .map((tag) => tag.trim())
  if (tags.length > 0) expect(accepted?.sort()).toEqual([...tags].sort())
  const held = await push.registry.ask('GET', locationOf(answer), { headers: { accept: manifest.mediaType } })
  expectContentHeaders(held, manifest)
  expectBytes(held.bytes, manifest.bytes)
}

async function pushAll(place: Place, set: SampleSet, tagging: 'path' | 'parameter'): Promise<void> {
  for (const [at, blob] of set.blobs.entries()) {
    const way = UPLOAD_WAYS[at % UPLOAD_WAYS.length] ?? UPLOAD_WAYS[0]
    const answer = await way?.push(place.push, blob.bytes, blob.digest)
    if (answer) expectStatus(answer, 201)
  }
  for (const manifest of set.manifests) {
    const tags = set.tags.filter(([, tagged]) => tagged === manifest).map(([tag]) => tag)
    await pushManifest(place, manifest.digest, manifest, tagging === 'parameter' ? tags : [])
    if (tagging === 'path') for (const tag of tags) await pushManifest(place, tag, manifest, [])
  }
}

/** Tag or digest, and what must come back for it. */
function references(set: SampleSet): (readonly [string, Content])[] {
  return [...set.tags, ...set.manifests.map((manifest) => [manifest.digest, manifest] as const)]
}

function readingTests(pushed: () => Promise<Pushed>): void {
  it('lists its tags in order, and after any of them the rest', async () => {
    const { place, set } = await pushed()
    const expected = set.tags.map(([tag]) => tag).sort()
    const list = await place.pull.tags()
    expectStatus(list, 200)
    expect(jsonOf<object>(list)).toEqual({ name: place.pull.name, tags: expected })
    for (const [at, last] of expected.entries()) {
      const rest = await place.pull.tags([['last', last]])
      expect(jsonOf<{ tags: string[] }>(rest).tags).toEqual(expected.slice(at + 1))
    }
  })

  it('tells of every manifest and blob by HEAD', async () => {
    const { place, set } = await pushed()
    for (const [reference, manifest] of references(set)) {
      const answer = await place.pull.manifest('HEAD', reference)
      expectContentHeaders(answer, manifest)
      expect(answer.headers.get('content-type')).toBe(manifest.mediaType)
      expect(answer.bytes.length).toBe(0)
    }
    for (const blob of set.blobs) {
      const answer = await place.pull.blob('HEAD', blob.digest)
      expectContentHeaders(answer, blob)
      expect(answer.bytes.length).toBe(0)
    }
  })

  it('gives every manifest and blob in its exact bytes', async () => {
    const { place, set } = await pushed()
    for (const [reference, manifest] of references(set)) {
      const answer = await place.pull.manifest('GET', reference)
      expectContentHeaders(answer, manifest)
      expect(answer.headers.get('content-type')).toBe(manifest.mediaType)
      expectBytes(answer.bytes, manifest.bytes)
    }
    for (const blob of set.blobs) {
      const answer = await place.pull.blob('GET', blob.digest)
      expectContentHeaders(answer, blob)
      expectBytes(answer.bytes, blob.bytes)
    }
  })
}

function referrerTests(pushed: () => Promise<Pushed>): void {
  it('lists its referrers with their types and annotations, all of them and by type', async () => {
    const { place, set } = await pushed()
    const referrers = set.referrers ?? []
    const subject = referrers[0]?.subject ?? ''
    const described = referrers.map(({ referrer, artifactType, annotations }) => ({
      mediaType: referrer.mediaType,
      digest: referrer.digest,
      size: referrer.bytes.length,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    }))
    const byDigest = (a: { digest: string }, b: { digest: string }) => (a.digest < b.digest ? -1 : 1)
    for (const type of [
      undefined,
      ...new Set(referrers.map((one) => one.artifactType)),
      'application/vnd.example.none',
    ]) {
      const answer = await place.pull.referrers(subject, type)
      expectStatus(answer, 200)
      expect(answer.headers.get('content-type')).toBe(TYPES.index)
      expect(answer.headers.get('oci-filters-applied')).toBe(type === undefined ? null : 'artifactType')
      const list = jsonOf<Index>(answer)
      expect({ schemaVersion: list.schemaVersion, mediaType: list.mediaType }).toEqual({
        schemaVersion: 2,
        mediaType: TYPES.index,
      })
      const wanted = described.filter((one) => type === undefined || one.artifactType === type)
      expect(list.manifests.sort(byDigest)).toEqual(wanted.sort(byDigest))
    }
  })
}

function deletionTests(pushed: () => Promise<Pushed>): void {
  it('forgets tags, manifests, referrers and blobs at once when they are deleted', async () => {
    const { place, set } = await pushed()
    for (const [tag, manifest] of set.tags) {
      expectStatus(await place.push.manifest('DELETE', tag), 202)
      expectStatus(await place.pull.manifest('HEAD', tag), 404)
      expectStatus(await place.pull.manifest('HEAD', manifest.digest), 200)
    }
    for (const manifest of set.manifests.toReversed()) {
      expectStatus(await place.push.manifest('DELETE', manifest.digest), 202)
      expectStatus(await place.pull.manifest('GET', manifest.digest), 404)
      const subject = subjectOf(manifest)
      if (subject === null) continue
      const left = jsonOf<Index>(await place.pull.referrers(subject)).manifests.map((one) => one.digest)
      expect(left).not.toContain(manifest.digest)
    }
    for (const digest of new Set(set.blobs.map((blob) => blob.digest))) {
      expectStatus(await place.push.blob('DELETE', digest), 202)
      expectStatus(await place.pull.blob('HEAD', digest), 404)
    }
  })
}

function sampleTests(ground: ReadingGround, kind: SampleKind, row: (typeof ROWS)[number]): void {
  describe(`${kind.name}, ${row.algorithm}, tags by ${row.tagging}`, () => {
    let once: Promise<Pushed> | undefined
    const push = async (): Promise<Pushed> => {
      const place = ground.place(kind.isSparse && 'any')
      const set = await kind.make(row.algorithm)
      await pushAll(place, set, row.tagging)
      return { place, set }
    }
    // Pushed by the first test that runs, so that each can be run alone.
    const pushed = () => {
      once ??= push()
      return once
    }
    it('is taken, and found where the answers say', async () => {
      expect((await pushed()).set.manifests.length).toBeGreaterThan(0)
    })
    readingTests(pushed)
    if (/subject/.test(kind.name)) referrerTests(pushed)
    if (ground.takesPushes) deletionTests(pushed)
  })
}

/** Every kind of content, pushed, listed, read, queried and deleted. */
export function samplesSuite(ground: ReadingGround): void {
  describe('carries', () => {
    for (const kind of SAMPLE_KINDS) for (const row of ROWS) sampleTests(ground, kind, row)
  })
}
