import { beforeAll, describe, expect, it } from 'bun:test'
import type { FailureCode } from '../../src/core/errors.ts'
import { expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { blob, type Content, content, image, type SampleImage, TYPES } from './samples.ts'
import { pushBlob } from './uploads.ts'

interface Row {
  readonly name: string
  /** Makes a bad manifest out of a good one, as text. */
  readonly spoil: (good: Record<string, unknown>, text: string) => unknown
  readonly mediaType?: string
  readonly code?: FailureCode
}

const GOOD_DIGEST = blob(1).digest

/** The fields of a manifest in wrong shapes; a text is sent as it is, everything else as JSON. */
const ROWS: readonly Row[] = [
  { name: 'nothing at all', spoil: () => '' },
  { name: 'no JSON', spoil: () => 'hello' },
  { name: 'JSON cut short', spoil: (_, text) => text.slice(0, -1) },
  { name: 'JSON with something behind it', spoil: (_, text) => `${text}{}` },
  { name: 'bytes that are not UTF-8', spoil: (_, text) => Buffer.from(text.replace('{', '{"\xff\xfe":1,'), 'latin1') },
  { name: 'JSON nested 100,000 deep', spoil: () => '['.repeat(100_000) + ']'.repeat(100_000) },
  { name: 'null', spoil: () => null },
  { name: 'a list', spoil: (good) => [good] },
  { name: 'a number', spoil: () => 2 },
  { name: 'no schemaVersion', spoil: ({ schemaVersion: _, ...rest }) => rest },
  { name: 'schemaVersion 1', spoil: (good) => ({ ...good, schemaVersion: 1 }) },
  { name: 'schemaVersion 3', spoil: (good) => ({ ...good, schemaVersion: 3 }) },
  { name: 'schemaVersion as text', spoil: (good) => ({ ...good, schemaVersion: '2' }) },
  { name: 'another mediaType than its header', spoil: (good) => ({ ...good, mediaType: TYPES.index }) },
  { name: 'a mediaType that is no text', spoil: (good) => ({ ...good, mediaType: 7 }) },
  { name: 'no config', spoil: ({ config: _, ...rest }) => rest },
  { name: 'a config without a digest', spoil: (good) => ({ ...good, config: { mediaType: TYPES.config, size: 3 } }) },
  { name: 'layers that are no list', spoil: (good) => ({ ...good, layers: {} }) },
  { name: 'a layer that is null', spoil: (good) => ({ ...good, layers: [null] }) },
  {
    name: 'a layer with a broken digest',
    spoil: (good) => ({ ...good, layers: [{ mediaType: TYPES.layer, digest: 'sha256:xyz', size: 1 }] }),
  },
  {
    name: 'a layer whose digest climbs',
    spoil: (good) => ({ ...good, layers: [{ mediaType: TYPES.layer, digest: 'sha256:../../../etc/passwd', size: 1 }] }),
  },
  {
    name: 'a layer without a size',
    spoil: (good) => ({ ...good, layers: [{ mediaType: TYPES.layer, digest: GOOD_DIGEST }] }),
  },
  {
    name: 'a layer of negative size',
    spoil: (good) => ({ ...good, layers: [{ mediaType: TYPES.layer, digest: GOOD_DIGEST, size: -1 }] }),
  },
  { name: 'a subject that is a text', spoil: (good) => ({ ...good, subject: GOOD_DIGEST }) },
  {
    name: 'a subject with a broken digest',
    spoil: (good) => ({ ...good, subject: { mediaType: 'x', digest: 'x', size: 1 } }),
  },
  { name: 'an artifactType that is no text', spoil: (good) => ({ ...good, artifactType: {} }) },
  { name: 'annotations that are a list', spoil: (good) => ({ ...good, annotations: ['a'] }) },
  { name: 'an annotation that is no text', spoil: (good) => ({ ...good, annotations: { a: 1 } }) },
  {
    name: 'an index whose manifests are no list',
    mediaType: TYPES.index,
    spoil: () => ({ schemaVersion: 2, mediaType: TYPES.index, manifests: 'all' }),
  },
  {
    name: 'an index without manifests',
    mediaType: TYPES.index,
    spoil: () => ({ schemaVersion: 2, mediaType: TYPES.index }),
  },
  {
    name: 'a Docker manifest of schema 1',
    mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    spoil: () => ({ schemaVersion: 1, name: 'a/b', tag: 'c', fsLayers: [], history: [], signatures: [] }),
  },
  {
    name: 'a type that is no manifest',
    mediaType: 'text/html',
    spoil: (good) => ({ ...good, mediaType: 'text/html' }),
  },
]

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Manifests that are refused, each with the code that says why, and that nothing of them stays. */
export function manifestRefusalsSuite(ground: Ground): void {
  describe('a manifest is refused', () => {
    let place: Place
    let good: SampleImage
    beforeAll(async () => {
      place = ground.place()
      good = await image()
      for (const one of good.blobs) await pushBlob(place.push, one.bytes, one.digest)
    })
    const send = (reference: string, of: Content) => place.push.putManifest(reference, of)

    it.each(ROWS.map((row) => [row.name, row] as const))('that is or has %s', async (_, row) => {
      const text = new TextDecoder().decode(good.manifest.bytes)
      const bad = content(row.mediaType ?? TYPES.image, encode(row.spoil(JSON.parse(text), text)))
      expectRefusal(await send('bad', bad), 400, row.code ?? 'MANIFEST_INVALID')
      expectRefusal(await send(bad.digest, bad), 400, row.code ?? 'MANIFEST_INVALID')
      expectRefusal(await place.pull.manifest('GET', 'bad'), 404, 'MANIFEST_UNKNOWN')
      expectRefusal(await place.pull.manifest('GET', bad.digest), 404, 'MANIFEST_UNKNOWN')
    })

    it('whose bytes are not what its digest says', async () => {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const honest = content(TYPES.image, good.manifest.bytes, algorithm)
        const spoiled = { ...honest, bytes: new Uint8Array([...honest.bytes, 32, 32]) }
        expectRefusal(await send(honest.digest, spoiled), 400, 'DIGEST_INVALID')
        expectStatus(await place.pull.manifest('HEAD', honest.digest), 404)
      }
    })

    it.each(['sha256:baddigeststring', `md5:${'0'.repeat(32)}`, 'sha256:', `sha256:${'G'.repeat(64)}`])(
      'under the digest "%s"',
      async (digest) => {
        expectRefusal(await send(digest, good.manifest), 400, 'DIGEST_INVALID')
        for (const method of ['GET', 'HEAD', 'DELETE'] as const) {
          expect([400, 404]).toContain((await place.pull.manifest(method, digest)).status)
        }
      },
    )

    it.each(['-dash', '.dot', 'a'.repeat(129), 'sp%20ace', 'umla%C3%BCt', 'a+b', 'a%2Fb', '%00', 'a@b'])(
      'under the tag "%s"',
      async (tag) => {
        const answer = await send(tag, good.manifest)
        expect([400, 404]).toContain(answer.status)
        expect(await place.pull.manifest('GET', tag).then((got) => got.status)).not.toBe(200)
      },
    )

    it('never because of a tag that is as long and as odd as a tag may be', async () => {
      for (const tag of ['_', 'A', '0', `${'Z'.repeat(126)}.-`, 'v1..2--3__4', 'latest-', 'sha256-abc.sig']) {
        expectStatus(await send(tag, good.manifest), 201)
        expectStatus(await place.pull.manifest('HEAD', tag), 200)
        expectStatus(await place.push.manifest('DELETE', tag), 202)
      }
    })

    it('to whoever asks for one that is unknown', async () => {
      for (const reference of [`missing-${crypto.randomUUID()}`, blob(9).digest, blob(9, 'sha512').digest]) {
        for (const method of ['GET', 'DELETE'] as const) {
          expectRefusal(await place.pull.manifest(method, reference), 404, 'MANIFEST_UNKNOWN')
        }
        expectStatus(await place.pull.manifest('HEAD', reference), 404)
      }
    })
  })
}
