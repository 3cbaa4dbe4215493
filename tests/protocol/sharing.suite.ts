import { describe, expect, it } from 'bun:test'
import { DIGEST_ALGORITHMS } from '../../src/core/digest.ts'
import { expectBytes, expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { locationOf } from './image-client.ts'
import { blob, type Content, image } from './samples.ts'
import { closeUpload, pushBlob } from './uploads.ts'

async function pushedBlob({ push }: Place, algorithm: 'sha256' | 'sha512' = 'sha256'): Promise<Content> {
  const made = blob(512, algorithm)
  await pushBlob(push, made.bytes, made.digest)
  return made
}

function mounts(ground: Ground): void {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for (const named of ['from', 'anonymous'] as const) {
      it(`is mounted by ${algorithm}, ${named === 'from' ? 'with its source' : 'without a source'}`, async () => {
        const [source, target] = [ground.place(), ground.place()]
        const made = await pushedBlob(source, algorithm)
        const from = named === 'from' ? ([['from', source.push.name]] as const) : []
        const answer = await target.push.postUpload([['mount', made.digest], ...from])
        expectStatus(answer, 201)
        expect(answer.headers.get('docker-content-digest')).toBe(made.digest)
        expectBytes((await target.push.registry.ask('GET', locationOf(answer))).bytes, made.bytes)
        expectContentHeaders(await target.pull.blob('HEAD', made.digest), made)
        expectBytes((await target.pull.blob('GET', made.digest)).bytes, made.bytes)
      })
    }

    it(`that is absent becomes an upload of ${algorithm} instead`, async () => {
      const [source, target] = [ground.place(), ground.place()]
      const made = blob(512, algorithm)
      for (const from of [source.push.name, `nowhere-${crypto.randomUUID()}/app`, 'Not/A/Name', undefined]) {
        const query: [string, string][] = [['mount', made.digest]]
        const answer = await target.push.postUpload(from === undefined ? query : [...query, ['from', from]])
        expectStatus(answer, 202)
        expectStatus(await target.pull.blob('HEAD', made.digest), 404)
      }
      const begun = await target.push.postUpload([
        ['mount', made.digest],
        ['from', source.push.name],
      ])
      expectStatus(await closeUpload(target.push, locationOf(begun), made.digest, made.bytes), 201)
      expectContentHeaders(await target.pull.blob('HEAD', made.digest), made)
    })
  }

  it('is not mounted by a digest that is none', async () => {
    const answer = await ground.place().push.postUpload([
      ['mount', 'sha256:nonsense'],
      ['from', 'a/b'],
    ])
    expectRefusal(answer, 400, 'DIGEST_INVALID')
  })
}

function deletions(ground: Ground): void {
  it('deleted in one image is gone there at once, and stays in the others', async () => {
    const [source, mounted, pushed] = [ground.place(), ground.place(), ground.place()]
    const made = await pushedBlob(source)
    const query = [['mount', made.digest] as const, ['from', source.push.name] as const]
    expectStatus(await mounted.push.postUpload(query), 201)
    await pushBlob(pushed.push, made.bytes, made.digest)
    for (const [place, others] of [
      [source, [mounted, pushed]],
      [mounted, [pushed]],
      [pushed, []],
    ] as const) {
      expectStatus(await place.push.blob('DELETE', made.digest), 202)
      expectStatus(await place.pull.blob('GET', made.digest), 404)
      for (const other of others) expectBytes((await other.pull.blob('GET', made.digest)).bytes, made.bytes)
    }
    await pushBlob(source.push, made.bytes, made.digest)
    expectBytes((await source.pull.blob('GET', made.digest)).bytes, made.bytes)
  })

  it('that a manifest of another image needs stays there when the first image is deleted altogether', async () => {
    const [first, second] = [ground.place(), ground.place()]
    const made = await image()
    for (const place of [first, second]) {
      for (const one of made.blobs) await pushBlob(place.push, one.bytes, one.digest)
      expectStatus(await place.push.putManifest('v1', made.manifest), 201)
    }
    expectStatus(await first.push.manifest('DELETE', made.manifest.digest), 202)
    for (const one of made.blobs) expectStatus(await first.push.blob('DELETE', one.digest), 202)
    expectStatus(await first.pull.manifest('HEAD', 'v1'), 404)
    for (const one of made.blobs) expectBytes((await second.pull.blob('GET', one.digest)).bytes, one.bytes)
    expectContentHeaders(await second.pull.manifest('GET', 'v1'), made.manifest)
  })
}

/** One set of bytes in several images: mounts, and what a deletion takes away. */
export function sharingSuite(ground: Ground): void {
  describe('a blob', () => {
    mounts(ground)
    deletions(ground)
  })

  describe('deleting', () => {
    it('a manifest takes every tag on it along, and no other', async () => {
      const place = ground.place()
      const [going, staying] = [await image(), await image()]
      for (const one of [...going.blobs, ...staying.blobs]) await pushBlob(place.push, one.bytes, one.digest)
      for (const tag of ['a', 'b']) expectStatus(await place.push.putManifest(tag, going.manifest), 201)
      expectStatus(await place.push.putManifest('c', staying.manifest), 201)
      expectStatus(await place.push.manifest('DELETE', going.manifest.digest), 202)
      for (const tag of ['a', 'b', going.manifest.digest]) expectStatus(await place.pull.manifest('HEAD', tag), 404)
      expectContentHeaders(await place.pull.manifest('HEAD', 'c'), staying.manifest)
      expectRefusal(await place.push.manifest('DELETE', going.manifest.digest), 404, 'MANIFEST_UNKNOWN')
      expectRefusal(await place.push.manifest('DELETE', 'a'), 404, 'MANIFEST_UNKNOWN')
    })

    it('what was never there, anywhere, is not found', async () => {
      const { push } = ground.place()
      for (const path of ['manifests/v1', `manifests/${blob(3).digest}`, `blobs/${blob(3).digest}`]) {
        const answer = await push.ask('DELETE', path)
        expectStatus(answer, 404)
        expect(answer.headers.get('content-type')).toContain('application/json')
      }
    })
  })
}
