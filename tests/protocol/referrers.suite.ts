import { describe, expect, it } from 'bun:test'
import { expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { jsonOf } from './registry-client.ts'
import {
  artifact,
  blob,
  type Content,
  type Descriptor,
  descriptorOf,
  image,
  index,
  type SampleImage,
  TYPES,
} from './samples.ts'
import { pushBlob } from './uploads.ts'

const SIGNATURE = 'application/vnd.example.signature'

async function push(
  { push: to }: Place,
  made: SampleImage,
  reference: string = made.manifest.digest,
): Promise<Content> {
  for (const one of made.blobs) await pushBlob(to, one.bytes, one.digest)
  expectStatus(await to.putManifest(reference, made.manifest), 201)
  return made.manifest
}

/** `sha256-<hex>`, cut after 64 characters (distribution-spec 1.1, "Referrers Tag Schema"). */
function fallbackTag(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  return `${algorithm}-${hex.slice(0, 64)}`
}

async function listed({ pull }: Place, subject: string, type?: string): Promise<string[]> {
  const answer = await pull.referrers(subject, type)
  expectStatus(answer, 200)
  return jsonOf<{ manifests: Descriptor[] }>(answer).manifests.map((one) => one.digest)
}

function fallbackTests(ground: Ground): void {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`can be read by a client of the ${algorithm} fallback tag, without anybody pushing that tag`, async () => {
      const place = ground.place()
      const base = await push(place, await image({ algorithm }))
      const subject = descriptorOf(base)
      const annotations = { 'org.example.by': 'test' }
      const made = await push(place, await artifact(SIGNATURE, { algorithm, fields: { subject, annotations } }))
      const answer = await place.pull.manifest('GET', fallbackTag(base.digest))
      expectStatus(answer, 200)
      expect(answer.headers.get('content-type')).toBe(TYPES.index)
      const { manifests } = jsonOf<{ manifests: Descriptor[] }>(answer)
      expect(manifests).toEqual([{ ...descriptorOf(made), artifactType: SIGNATURE, annotations }])
      expectContentHeaders(await place.pull.manifest('HEAD', fallbackTag(base.digest)), {
        mediaType: TYPES.index,
        digest: `sha256:${new Bun.CryptoHasher('sha256').update(answer.bytes).digest('hex')}`,
        bytes: new Uint8Array(answer.bytes),
      })
    })

    it(`that an old client listed under the ${algorithm} fallback tag are in the list`, async () => {
      const place = ground.place()
      const base = await push(place, await image({ algorithm }))
      const subject = descriptorOf(base)
      const made = await push(place, await artifact(SIGNATURE, { algorithm, fields: { subject } }))
      const list = index([], 'sha256', { manifests: [{ ...descriptorOf(made), artifactType: SIGNATURE }] })
      expectStatus(await place.push.putManifest(fallbackTag(base.digest), list), 201)
      expect(await listed(place, base.digest)).toEqual([made.digest])
      expect(await listed(place, base.digest, SIGNATURE)).toEqual([made.digest])
    })
  }

  it('are in the list that an old client reads, changes and pushes back under the fallback tag', async () => {
    const place = ground.place()
    const base = await push(place, await image())
    const fields = { subject: descriptorOf(base) }
    const [first, second] = [
      await push(place, await artifact(SIGNATURE, { fields })),
      await push(place, await artifact('application/vnd.example.sbom', { fields })),
    ]
    const tag = fallbackTag(base.digest)
    const seen = jsonOf<{ manifests: Descriptor[] }>(await place.pull.manifest('GET', tag)).manifests
    expect(seen.map((one) => one.digest).sort()).toEqual([first.digest, second.digest].sort())
    expectStatus(await place.push.putManifest(tag, index([], 'sha256', { manifests: seen })), 201)
    expect((await listed(place, base.digest)).sort()).toEqual([first.digest, second.digest].sort())
    expectStatus(await place.push.manifest('DELETE', first.digest), 202)
    expect(await listed(place, base.digest)).toEqual([second.digest])
  })
}

/** Referrers: the list, its filter, its life, and the tag scheme of clients and registries that do not know it. */
export function referrersSuite(ground: Ground): void {
  describe('the referrers of a subject', () => {
    it('are none, with status 200, when nothing refers to it, whether image and subject are there or not', async () => {
      const place = ground.place()
      const base = await push(place, await image(), 'v1')
      for (const [at, digest] of [
        [place, base.digest],
        [place, blob(9).digest],
        [place, blob(9, 'sha512').digest],
        [ground.place(), blob(9).digest],
      ] as const) {
        const answer = await at.pull.referrers(digest)
        expectStatus(answer, 200)
        expect(answer.headers.get('content-type')).toBe(TYPES.index)
        expect(jsonOf<object>(answer)).toEqual({ schemaVersion: 2, mediaType: TYPES.index, manifests: [] })
      }
    })

    it.each(['latest', 'sha256:xyz', `md5:${'0'.repeat(32)}`, 'sha256:'])('are refused for "%s"', async (digest) => {
      expectRefusal(await ground.place().pull.referrers(digest), 400, 'DIGEST_INVALID')
    })

    it('are those of the image alone', async () => {
      const [here, elsewhere] = [ground.place(), ground.place()]
      const base = await push(here, await image())
      await push(elsewhere, await artifact(SIGNATURE, { fields: { subject: descriptorOf(base) } }))
      expect(await listed(here, base.digest)).toEqual([])
    })

    it('go one by one when they are deleted, and all together with their subject', async () => {
      const place = ground.place()
      const base = await push(place, await image())
      const fields = { subject: descriptorOf(base) }
      const made = await push(place, await artifact(SIGNATURE, { fields }))
      const other = await push(place, await artifact(SIGNATURE, { fields }))
      expectStatus(await place.push.manifest('DELETE', other.digest), 202)
      expect(await listed(place, base.digest)).toEqual([made.digest])
      expectStatus(await place.push.manifest('DELETE', base.digest), 202)
      expect(await listed(place, base.digest)).toEqual([])
      expectRefusal(await place.push.manifest('DELETE', made.digest), 404, 'MANIFEST_UNKNOWN')
    })

    it('come in pages that lose none, when they are many', async () => {
      const place = ground.place()
      const base = await push(place, await image())
      const subject = descriptorOf(base)
      const annotations = { 'org.example.padding': 'x'.repeat(30_000) }
      const made: string[] = []
      for (let at = 0; at < 160; at++) {
        const one = index([], 'sha256', {
          artifactType: SIGNATURE,
          subject,
          annotations: { ...annotations, at: String(at) },
        })
        expectStatus(await place.push.putManifest(one.digest, one), 201)
        made.push(one.digest)
      }
      const seen: string[] = []
      let next: URL | null = new URL(`/v2/${place.pull.name}/referrers/${base.digest}`, place.pull.registry.url)
      while (next !== null) {
        const answer = await place.pull.registry.ask('GET', next)
        expectStatus(answer, 200)
        expect(answer.bytes.length).toBeLessThan(4 * 1024 * 1024 + 1)
        seen.push(...jsonOf<{ manifests: Descriptor[] }>(answer).manifests.map((one) => one.digest))
        const link: string | undefined = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1]
        next = link === undefined ? null : new URL(link, answer.url)
      }
      expect(seen.sort()).toEqual(made.sort())
    })

    fallbackTests(ground)
  })
}
