import { describe, expect, it } from 'bun:test'
import { expectBytes, expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { ImageClient, locationOf } from './image-client.ts'
import { jsonOf } from './registry-client.ts'
import { blob, type Content, content, image, index, json, TYPES } from './samples.ts'
import { pushBlob } from './uploads.ts'

const LIMIT = 4 * 1024 * 1024

async function pushedImage({ push }: Place, options: Parameters<typeof image>[0] = {}) {
  const made = await image(options)
  for (const one of made.blobs) await pushBlob(push, one.bytes, one.digest)
  return made
}

/** A manifest of exactly `size` bytes. */
function padded(manifest: Content, size: number): Content {
  const text = new TextDecoder().decode(manifest.bytes)
  return content(manifest.mediaType, text + ' '.repeat(size - text.length))
}

function multipleTags(ground: Ground): void {
  it('is given many tags at once, and says which', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const tags = Array.from({ length: 12 }, (_, at) => `1.${at}`)
    const answer = await place.push.putManifest(manifest.digest, manifest, tags)
    expectStatus(answer, 201)
    expect(answer.headers.get('oci-tag')?.split(/\s*,\s*/)).toEqual(tags)
    for (const tag of tags) expectContentHeaders(await place.pull.manifest('HEAD', tag), manifest)
  })

  it('is refused with far too many tags, and then has none', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const tags = Array.from({ length: 2000 }, (_, at) => `t${at}`)
    const answer = await place.push.putManifest(manifest.digest, manifest, tags)
    expect([414, 431]).toContain(answer.status)
    expectStatus(await place.pull.manifest('HEAD', 't0'), 404)
  })

  it('is refused with one bad tag among good ones, and then has none', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const answer = await place.push.putManifest(manifest.digest, manifest, ['good', '-bad', 'fine'])
    expectRefusal(answer, 400, 'TAG_INVALID')
    for (const tag of ['good', 'fine', manifest.digest]) expectStatus(await place.pull.manifest('HEAD', tag), 404)
  })

  it('keeps its digest when a tag moves on', async () => {
    const place = ground.place()
    const [first, second] = [await pushedImage(place), await pushedImage(place)]
    expectStatus(await place.push.putManifest('latest', first.manifest), 201)
    expectStatus(await place.push.putManifest('latest', second.manifest), 201)
    expectContentHeaders(await place.pull.manifest('GET', 'latest'), second.manifest)
    expectContentHeaders(await place.pull.manifest('GET', first.manifest.digest), first.manifest)
  })
}

function exactness(ground: Ground): void {
  const ODD_FORMS: readonly { name: string; write: (value: object) => string }[] = [
    { name: 'indented by three spaces', write: (value) => JSON.stringify(value, null, 3) },
    {
      name: 'with tabs, CRLF and a last newline',
      write: (value) => `${JSON.stringify(value, null, '\t').replaceAll('\n', '\r\n')}\n`,
    },
    { name: 'with escapes that need none', write: (value) => JSON.stringify(value).replaceAll('/', '\\/') },
    { name: 'with a key twice', write: (value) => JSON.stringify(value).replace('{', '{"schemaVersion":2,') },
    {
      name: 'with numbers in other spellings',
      write: (value) => JSON.stringify({ ...value, x: 0 }).replace('"x":0', '"x":1.50e+2'),
    },
  ]
  it.each(ODD_FORMS.map((form) => [form.name, form] as const))('keeps its bytes, %s', async (_, form) => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const odd = content(TYPES.image, form.write(JSON.parse(new TextDecoder().decode(manifest.bytes))))
    expectStatus(await place.push.putManifest('odd', odd), 201)
    const answer = await place.pull.manifest('GET', 'odd')
    expectContentHeaders(answer, odd)
    expectBytes(answer.bytes, odd.bytes)
  })

  it('may be kept under both algorithms at once', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const other = content(manifest.mediaType, manifest.bytes, 'sha512')
    expectStatus(await place.push.putManifest(other.digest, other, ['by-512']), 201)
    expectStatus(await place.push.putManifest('by-256', manifest), 201)
    for (const held of [manifest, other]) expectContentHeaders(await place.pull.manifest('GET', held.digest), held)
    expectContentHeaders(await place.pull.manifest('HEAD', 'by-512'), other)
    expectContentHeaders(await place.pull.manifest('HEAD', 'by-256'), manifest)
  })

  it('has the type that it was pushed with, parameters left away', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const pushed = { ...manifest, mediaType: `${TYPES.image}; charset=utf-8` }
    expectStatus(await place.push.putManifest('typed', pushed), 201)
    expect((await place.pull.manifest('GET', 'typed')).headers.get('content-type')).toBe(TYPES.image)
  })

  it('has the type of its header when it names none itself', async () => {
    const place = ground.place()
    const { manifest } = await pushedImage(place)
    const { mediaType, ...rest } = JSON.parse(new TextDecoder().decode(manifest.bytes))
    const untyped = json(mediaType, rest)
    expectStatus(await place.push.putManifest('untyped', untyped), 201)
    expect((await place.pull.manifest('GET', 'untyped')).headers.get('content-type')).toBe(TYPES.image)
  })

  it('is found by any image of the name alone, also under names with the words of the paths', async () => {
    const { push } = ground.place()
    for (const word of ['blobs', 'manifests/x', 'tags/list', 'a/uploads', 'referrers/blobs/uploads']) {
      const odd = new ImageClient(push.registry, `${push.name}/${word}`)
      const { manifest, blobs } = await image()
      for (const one of blobs) await pushBlob(odd, one.bytes, one.digest)
      expectStatus(await odd.putManifest('latest', manifest), 201)
      expectContentHeaders(await odd.manifest('GET', 'latest'), manifest)
      expect(jsonOf<object>(await odd.tags())).toEqual({ name: odd.name, tags: ['latest'] })
    }
  })
}

function sizes(ground: Ground): void {
  it('may have 4 MiB', async () => {
    const place = ground.place()
    const large = padded((await pushedImage(place)).manifest, LIMIT)
    const answer = await place.push.putManifest(large.digest, large)
    expectStatus(answer, 201)
    expectBytes((await place.push.registry.ask('GET', locationOf(answer))).bytes, large.bytes)
  })

  it('is refused with one byte more, by its length or, without one, by its bytes', async () => {
    const place = ground.place()
    const tooLarge = padded((await pushedImage(place)).manifest, LIMIT + 1)
    expectRefusal(await place.push.putManifest('large', tooLarge), 413, 'MANIFEST_INVALID')
    const streamed = await place.push.ask('PUT', 'manifests/large', {
      headers: { 'content-type': TYPES.image },
      body: new Blob([tooLarge.bytes]).stream(),
    })
    expectStatus(streamed, 413)
    expectStatus(await place.pull.manifest('HEAD', 'large'), 404)
  })
}

function completeness(ground: Ground): void {
  it('is refused when it names blobs that are not there, or only in another image', async () => {
    const [here, elsewhere] = [ground.place(), ground.place()]
    const { manifest, blobs } = await pushedImage(elsewhere)
    expectRefusal(await here.push.putManifest('v1', manifest), 400, 'MANIFEST_BLOB_UNKNOWN')
    for (const missing of blobs) {
      const place = ground.place()
      for (const one of blobs) if (one !== missing) await pushBlob(place.push, one.bytes, one.digest)
      expectRefusal(await place.push.putManifest('v1', manifest), 400, 'MANIFEST_BLOB_UNKNOWN')
      expectStatus(await place.pull.manifest('HEAD', 'v1'), 404)
    }
  })

  it('may be an index whose platforms are not all there', async () => {
    const place = ground.place()
    const top = index([(await pushedImage(place)).manifest, blob(999, 'sha256', TYPES.image)])
    expectStatus(await place.push.putManifest('sparse', top), 201)
  })

  it('is taken whatever it names where the repository says so', async () => {
    const place = ground.place('any')
    const { manifest } = await image()
    expectStatus(await place.push.putManifest('bare', manifest), 201)
    expectContentHeaders(await place.pull.manifest('GET', 'bare'), manifest)
  })

  it('is refused as an index without its platforms where the repository is to be complete', async () => {
    const name = `full-${crypto.randomUUID().slice(0, 8)}`
    await ground.administration.createRepository(name, { completeness: 'full' })
    const strict = new ImageClient(ground.admin, `${name}/app`)
    const top = index([blob(999, 'sha256', TYPES.image)])
    expectRefusal(await strict.putManifest('sparse', top), 400, 'MANIFEST_BLOB_UNKNOWN')
  })

  it('never stands in for a blob, nor a blob for a manifest', async () => {
    const place = ground.place()
    const { manifest, config } = await pushedImage(place)
    expectStatus(await place.push.putManifest('v1', manifest), 201)
    expectRefusal(await place.pull.blob('GET', manifest.digest), 404, 'BLOB_UNKNOWN')
    expectRefusal(await place.pull.manifest('GET', config.digest), 404, 'MANIFEST_UNKNOWN')
  })
}

/** Manifests as they are pushed: exact bytes, many tags, sizes, and what they may name. */
export function manifestPushSuite(ground: Ground): void {
  describe('a pushed manifest', () => {
    exactness(ground)
    multipleTags(ground)
    sizes(ground)
    completeness(ground)
  })
}
