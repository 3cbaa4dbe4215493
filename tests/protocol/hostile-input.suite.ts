import { describe, expect, it } from 'bun:test'
import { expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { askRaw, RawConnection } from './raw-connection.ts'
import { jsonOf } from './registry-client.ts'
import { artifact, blob, type Descriptor, descriptorOf, image, index, json, TYPES } from './samples.ts'
import { pushBlob } from './uploads.ts'

/** Texts that a database, a header or a path may stumble over; as they stand in a query. */
const ODD_TEXTS = [
  '%00',
  'a%00b',
  '%ED%A0%80',
  '%ff%fe',
  '%',
  '%zz',
  "'%20or%201=1--",
  '"><script>',
  '%0d%0aset-cookie:%20a=b',
  '%F0%9F%90%B3',
  'a'.repeat(6000),
] as const

/** The same kind of texts inside a manifest. */
const ODD_VALUES = [
  'a\u0000b',
  '\ud800',
  '\u2028',
  '\u{1f433}',
  '__proto__',
  'x\r\nset-cookie: a=b',
  'y'.repeat(100_000),
]

function queries(ground: Ground): void {
  it.each(ODD_TEXTS.map((text) => [text.slice(0, 30), text] as const))('the text %s in a query', async (_, text) => {
    const { push } = ground.place()
    expectStatus(await push.putManifest('v1', index([])), 201)
    const basic = `authorization: Basic ${btoa(`admin:${ground.server.adminPassword}`)}`
    const name = `/v2/${push.name}`
    const paths = [
      `${name}/tags/list?last=${text}`,
      `${name}/tags/list?n=${text}`,
      `/v2/_catalog?last=${text}`,
      `${name}/referrers/${blob(1).digest}?artifactType=${text}`,
      `${name}/referrers/${blob(1).digest}?last=${text}`,
      `${name}/manifests/v1?tag=${text}`,
      `${name}/blobs/${blob(1).digest}?ns=${text}`,
      `${name}/manifests/${text}`,
      `${name}/blobs/${text}`,
      `/token?service=${text}&scope=${text}`,
      `/v2/?x=${text}`,
    ]
    for (const path of paths) {
      const answer = await askRaw(ground.server.url, 'GET', path, [basic])
      expect(`${path.slice(0, 100)} ${answer?.status ?? 0}`).toMatch(/ (200|400|404|414|431)$/)
      expect(answer?.headers['set-cookie']).toBeUndefined()
    }
  })

  it('in the query of an upload', async () => {
    const { push } = ground.place()
    for (const name of ['mount', 'from', 'digest', 'digest-algorithm']) {
      for (const value of ['\u0000', 'a\u0000b', '\ud800', '../..', 'x'.repeat(5000), '']) {
        const mount: [string, string][] = name === 'from' ? [['mount', blob(2).digest]] : []
        const answer = await push.postUpload([...mount, [name, value]])
        expect([202, 400, 414, 431]).toContain(answer.status)
      }
    }
  })
}

function manifests(ground: Ground): void {
  it.each(ODD_VALUES.map((value) => [JSON.stringify(value).slice(0, 30), value] as const))(
    'the text %s in a manifest',
    async (_, value) => {
      const place = ground.place()
      const base = await image()
      const fields = {
        annotations: { [value]: value, [`${value}.`]: 'x' },
        artifactType: `application/vnd.${value}`,
        subject: descriptorOf(base.manifest),
      }
      const made = await artifact('application/vnd.example', { fields })
      for (const one of made.blobs) await pushBlob(place.push, one.bytes, one.digest)
      const answer = await place.push.putManifest('odd', made.manifest)
      expect([201, 400]).toContain(answer.status)
      if (answer.status === 400) return expectRefusal(answer, 400, 'MANIFEST_INVALID')
      expectContentHeaders(await place.pull.manifest('GET', 'odd'), made.manifest)
      const listed = await place.pull.referrers(base.manifest.digest)
      expectStatus(listed, 200)
      expect(jsonOf<{ manifests: Descriptor[] }>(listed).manifests.length).toBe(1)
      expectStatus(await place.pull.referrers(base.manifest.digest, `application/vnd.${value}`.slice(0, 3000)), 200)
    },
  )

  it('10,000 layers that are not there, as an answer and not as a fault', async () => {
    const config = blob(10, 'sha256', TYPES.config)
    const layers = Array.from({ length: 10_000 }, () => descriptorOf(blob(8, 'sha256', TYPES.layer)))
    const made = json(TYPES.image, { schemaVersion: 2, mediaType: TYPES.image, config: descriptorOf(config), layers })
    expectRefusal(await ground.place().push.putManifest('v1', made), 400, 'MANIFEST_BLOB_UNKNOWN')
    const place = ground.place('any')
    expectStatus(await place.push.putManifest('v1', made), 201)
    expectStatus(await place.push.manifest('DELETE', made.digest), 202)
  })

  it('an index of 10,000 platforms, and one of more than that', async () => {
    const entries = Array.from({ length: 10_001 }, () => descriptorOf(blob(8, 'sha256', TYPES.image)))
    const of = (count: number) =>
      json(TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests: entries.slice(0, count) })
    const { push } = ground.place()
    expectStatus(await push.putManifest('v1', of(10_000)), 201)
    expectRefusal(await push.putManifest('v1', of(10_001)), 400, 'MANIFEST_INVALID')
  })

  it('referrers whose annotations are megabytes, a bounded page at a time', async () => {
    const place = ground.place()
    const subject = descriptorOf((await image()).manifest)
    const made: string[] = []
    for (let at = 0; at < 5; at++) {
      const annotations = { large: 'z'.repeat(3_000_000), at: String(at) }
      const one = index([], 'sha256', { artifactType: 'application/vnd.example', subject, annotations })
      expectStatus(await place.push.putManifest(one.digest, one), 201)
      made.push(one.digest)
    }
    const seen: string[] = []
    for (let path: string | null = `/v2/${place.pull.name}/referrers/${subject.digest}`; path !== null; ) {
      const answer = await place.pull.registry.ask('GET', path)
      expectStatus(answer, 200)
      expect(answer.bytes.length).toBeLessThan(4 * 1024 * 1024 + 1)
      seen.push(...jsonOf<{ manifests: Descriptor[] }>(answer).manifests.map((one) => one.digest))
      path = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
    }
    expect(seen.sort()).toEqual(made.sort())
  })
}

function requests(ground: Ground): void {
  it.each([
    'GET /v2/ HTTP/9.9',
    'GET /v2/',
    'HELLO /v2/ HTTP/1.1\r\nhost: a',
    'GET http://elsewhere.example/v2/ HTTP/1.1\r\nhost: a',
    'GET /v2/ HTTP/1.1\r\nhost: a\r\nhost: b',
    'GET /v2/ HTTP/1.1',
    'GET /v2/ HTTP/1.1\r\nhost: a/../b?c',
    'GET * HTTP/1.1\r\nhost: a',
    'CONNECT a:80 HTTP/1.1\r\nhost: a',
    '\u0000\u0001\u0002',
  ])('the request %p', async (text) => {
    const connection = await RawConnection.open(ground.server.url)
    connection.write(new TextEncoder().encode(`${text}\r\nconnection: close\r\n\r\n`))
    connection.finish()
    const answer = await connection.answer()
    connection.vanish()
    if (answer !== null) expect([400, 401, 404, 405, 501, 505]).toContain(answer.status)
    expectStatus(await ground.admin.askBare('GET', '/healthz'), 200)
  })

  it('a header of 200 KB and 5,000 headers', async () => {
    const many = Array.from({ length: 5000 }, (_, at) => `x-${at}: y`)
    for (const lines of [[`x-large: ${'x'.repeat(200_000)}`], many]) {
      const answer = await askRaw(ground.server.url, 'GET', '/v2/', lines)
      if (answer !== null) expect([400, 401, 413, 431]).toContain(answer.status)
    }
    expectStatus(await ground.admin.askBare('GET', '/healthz'), 200)
  })
}

/** Input that nobody sends by mistake: each has a clear answer, and no fault of the server's. */
export function hostileInputSuite(ground: Ground): void {
  describe('the server stands', () => {
    queries(ground)
    manifests(ground)
    requests(ground)
  })
}
