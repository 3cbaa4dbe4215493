import { beforeAll, describe, expect, it } from 'bun:test'
import { expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place, ReadingGround } from './ground.ts'
import { type Content, image, TYPES } from './samples.ts'
import { pushBlob } from './uploads.ts'

async function pushed({ push }: Place, tag: string): Promise<Content> {
  const made = await image()
  for (const one of made.blobs) await pushBlob(push, one.bytes, one.digest)
  expectStatus(await push.putManifest(tag, made.manifest), 201)
  return made.manifest
}

/** Conditional reads of manifests (RFC 9110, 13), and what of a request's `Accept` counts. */
export function conditionalReadingSuite(ground: ReadingGround): void {
  describe('a conditional read of a manifest', () => {
    let place: Place
    let manifest: Content
    let etag: string
    beforeAll(async () => {
      place = ground.place()
      manifest = await pushed(place, 'latest')
      etag = (await place.pull.manifest('HEAD', 'latest')).headers.get('etag') ?? ''
    })

    it('knows a strong tag that is the same for tag and digest, and names the digest', async () => {
      expect(etag).toBe(`"${manifest.digest}"`)
      for (const reference of ['latest', manifest.digest]) {
        expect((await place.pull.manifest('GET', reference)).headers.get('etag')).toBe(etag)
      }
    })

    const MATCHES: [name: string, value: (etag: string) => string, status: number][] = [
      ['the same', (tag) => tag, 304],
      ['the same, weak', (tag) => `W/${tag}`, 304],
      ['one of several', (tag) => `"a", ${tag} , "b"`, 304],
      ['any', () => '*', 304],
      ['another', () => '"sha256:0"', 200],
    ]
    it.each(MATCHES)('answers If-None-Match with %s', async (_, value, status) => {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await place.pull.manifest(method, 'latest', { 'if-none-match': value(etag) })
        expectStatus(answer, status)
        expect(answer.headers.get('etag')).toBe(etag)
        expect(answer.headers.get('docker-content-digest')).toBe(manifest.digest)
        if (status === 304) expect(answer.bytes.length).toBe(0)
      }
    })

    it('says by HEAD what it says by GET', async () => {
      const passing = ['date', 'x-request-id', 'keep-alive', 'connection']
      const told = (headers: Headers) => Object.fromEntries([...headers].filter(([name]) => !passing.includes(name)))
      for (const reference of ['latest', manifest.digest]) {
        const [head, get] = [await place.pull.manifest('HEAD', reference), await place.pull.manifest('GET', reference)]
        expect(told(head.headers)).toEqual(told(get.headers))
      }
    })

    it.each([undefined, '*/*', TYPES.image, `${TYPES.index}, ${TYPES.image};q=0.5`, 'application/json', 'text/html'])(
      'gives what was pushed, also to a client that accepts %p',
      async (accept) => {
        const answer = await place.pull.ask('GET', 'manifests/latest', { headers: accept ? { accept } : {} })
        expectContentHeaders(answer, manifest)
        expect(answer.headers.get('content-type')).toBe(TYPES.image)
      },
    )
  })
}

/** Conditional pushes: the way in which clients keep each other's fallback tags (distribution-spec 1.1, "Referrers Tag Schema"). */
export function conditionalPushSuite(ground: Ground): void {
  describe('a conditional push of a manifest', () => {
    const match = (place: Place, tag: string, to: Content, header: Record<string, string>) =>
      place.push.putManifest(tag, to, [], header)

    it('happens only while the tag is where the client saw it', async () => {
      const place = ground.place()
      const [first, second, third] = [await pushed(place, 'a'), await pushed(place, 'b'), await pushed(place, 'c')]
      expectStatus(await match(place, 'a', second, { 'if-match': `"${first.digest}"` }), 201)
      expectRefusal(await match(place, 'a', third, { 'if-match': `"${first.digest}"` }), 412, 'PRECONDITION_FAILED')
      expectContentHeaders(await place.pull.manifest('HEAD', 'a'), second)
      expectStatus(await match(place, 'a', third, { 'if-match': `"${first.digest}", "${second.digest}"` }), 201)
    })

    it('happens only where there is, or is not, a tag yet', async () => {
      const place = ground.place()
      const [first, second] = [await pushed(place, 'a'), await pushed(place, 'b')]
      expectStatus(await match(place, 'new', first, { 'if-match': '*' }), 412)
      expectStatus(await place.pull.manifest('HEAD', 'new'), 404)
      expectStatus(await match(place, 'new', first, { 'if-none-match': '*' }), 201)
      expectStatus(await match(place, 'new', second, { 'if-none-match': '*' }), 412)
      expectContentHeaders(await place.pull.manifest('HEAD', 'new'), first)
    })

    it('succeeds for one of many that race', async () => {
      const place = ground.place()
      const first = await pushed(place, 'race')
      const others = await Promise.all(Array.from({ length: 8 }, (_, at) => pushed(place, `other-${at}`)))
      const header = { 'if-match': `"${first.digest}"` }
      const answers = await Promise.all(others.map((other) => match(place, 'race', other, header)))
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 412)])
      const winner = others[answers.findIndex((answer) => answer.status === 201)]
      if (winner) expectContentHeaders(await place.pull.manifest('HEAD', 'race'), winner)
    })
  })
}
