import { describe, expect, it } from 'bun:test'
import { expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { askRaw } from './raw-connection.ts'
import { blob, index } from './samples.ts'

/** Names that the grammar of the specification does not allow, as they stand in a request's path. */
const BAD_NAMES = [
  'UPPER/app',
  'demo/App',
  '-demo/app',
  'demo-/app',
  'demo/app_',
  'demo/.app',
  'demo//app',
  'demo/a..b',
  'demo/a___b',
  'demo/a._b',
  'demo/a%20b',
  'demo/%C3%A4',
  'demo/a%00b',
  'demo/a:b',
  'demo/a@b',
  'demo/a%2Fb',
  'demo%2Fapp',
  'demo/%2e%2e/other',
  'demo/..%2fother',
  `demo/${'a'.repeat(300)}`,
  'demo',
  '_catalog/app',
  '',
] as const

/** Paths that climb; a URL parser may resolve them before anybody sees them, and then they name something else. */
const CLIMBING = [
  '/v2/../../../../etc/passwd',
  '/v2/demo/app/blobs/../../../../../etc/passwd',
  '/v2/demo/app/blobs/..%2f..%2f..%2fetc%2fpasswd',
  '/v2/demo/app/manifests/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/v2/demo/../nobody/app/manifests/v1',
  '/v2/demo/./nobody/manifests/v1',
  '/v2/demo\\nobody/manifests/v1',
  '/v2/demo/app/blobs/uploads/../../../../data',
  '/v2/demo/app/blobs/uploads/..%2f..%2fblobs',
  '/assets/../../../etc/passwd',
  '//etc/passwd',
] as const

const GOOD_NAMES = [
  'a/b',
  'a-b/c--d',
  'a.b/c_d',
  'a__b/c',
  '0/1',
  'x/y/z/0/1/2',
  'blobs/uploads',
  'manifests/tags/list',
] as const

const DIGEST = blob(4).digest

/** What may be asked of an image, with the name's place open. */
const REQUESTS = [
  { method: 'GET', path: `blobs/${DIGEST}` },
  { method: 'HEAD', path: `blobs/${DIGEST}` },
  { method: 'DELETE', path: `blobs/${DIGEST}` },
  { method: 'GET', path: 'manifests/latest' },
  { method: 'DELETE', path: 'manifests/latest' },
  { method: 'GET', path: 'tags/list' },
  { method: 'GET', path: `referrers/${DIGEST}` },
  { method: 'POST', path: 'blobs/uploads/' },
] as const

/** Addresses under `/v2` that no endpoint has. */
const STRAY = [
  '/v2/a/b',
  '/v2/a/b/',
  '/v2/a/b/blobs',
  '/v2/a/b/blobs/',
  '/v2/a/b/tags',
  '/v2/a/b/tags/list/x',
  '/v2/a/b/manifests/',
  '/v2/a/b/nothing/x',
  '/v2//',
  '/v2/a/b/referrers/',
] as const

const WRONG_METHODS = [
  ['POST', '/v2/a/b/manifests/latest'],
  ['PATCH', '/v2/a/b/manifests/latest'],
  ['PUT', `/v2/a/b/blobs/${DIGEST}`],
  ['POST', `/v2/a/b/blobs/${DIGEST}`],
  ['DELETE', '/v2/a/b/tags/list'],
  ['PUT', `/v2/a/b/referrers/${DIGEST}`],
  ['DELETE', '/v2/'],
  ['POST', '/v2/_catalog'],
] as const

/** Names inside and outside the grammar, and addresses that mean nothing. */
export function namesSuite(ground: Ground): void {
  const basic = () => `authorization: Basic ${btoa(`admin:${ground.server.adminPassword}`)}`
  const raw = (method: string, target: string) =>
    askRaw(ground.server.url, method, target, [
      basic(),
      ...(method === 'POST' || method === 'PUT' ? ['content-length: 0'] : []),
    ])

  describe('a name', () => {
    it.each(BAD_NAMES.map((name) => [name]))('outside the grammar, "%s", is refused in every request', async (name) => {
      for (const { method, path } of REQUESTS) {
        const answer = await raw(method, `/v2/${name}/${path}`)
        expect([400, 404]).toContain(answer?.status ?? 0)
        if (method !== 'HEAD')
          expect(answer?.body).toMatch(/"code":"(NAME_INVALID|NAME_UNKNOWN|UNSUPPORTED|NOT_FOUND)"/)
        expect(answer?.headers.location).toBeUndefined()
      }
    })

    it.each(GOOD_NAMES.map((name) => [name]))('inside the grammar, "%s", is taken', async (name) => {
      const image = new ImageClient(ground.admin, name)
      const empty = index([])
      expectStatus(await image.putManifest('latest', empty), 201)
      expectStatus(await image.manifest('GET', 'latest'), 200)
      expectStatus(await image.postUpload(), 202)
      expectStatus(await image.manifest('DELETE', empty.digest), 202)
    })

    it('may have 255 characters and not one more', async () => {
      const ofLength = (length: number) => new ImageClient(ground.admin, `long/${'a'.repeat(length - 'long/'.length)}`)
      expectStatus(await ofLength(255).putManifest('v1', index([])), 201)
      expectRefusal(await ofLength(256).putManifest('v1', index([])), 400, 'NAME_INVALID')
    })
  })

  describe('an address', () => {
    it.each(STRAY.map((path) => [path]))('that no endpoint has, %s, is not found', async (path) => {
      const answer = await raw('GET', path)
      expect([400, 404]).toContain(answer?.status ?? 0)
    })

    it.each(CLIMBING.map((path) => [path]))('that climbs, %s, leads nowhere', async (path) => {
      const answer = await raw('GET', path)
      expect([400, 404]).toContain(answer?.status ?? 0)
      expect(answer?.body).not.toContain('root:')
    })

    it.each(WRONG_METHODS.map(([method, path]) => [method, path] as const))(
      'does not take %s %s',
      async (method, path) => {
        const answer = await raw(method, path)
        expect(answer?.status).toBe(405)
        expect(answer?.body).toContain('"UNSUPPORTED"')
        expect(answer?.headers.allow).toMatch(/GET|PUT|DELETE/)
      },
    )

    it('of 100,000 characters is refused, not served', async () => {
      const answer = await raw('GET', `/v2/demo/${'a'.repeat(100_000)}/tags/list`)
      if (answer !== null) expect([400, 404, 414, 431]).toContain(answer.status)
    })
  })
}
