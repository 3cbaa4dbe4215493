import { afterEach, describe, expect, it } from 'bun:test'
import {
  answers,
  type Behaviour,
  closesEarly,
  drips,
  floodsBody,
  head,
  isSilent,
  redirects,
  writes,
} from '../../../../tests/harness/hostile-upstream.ts'
import { OciGround, upstreamFailure } from '../../../../tests/harness/oci-ground.ts'
import { digestOf } from '../../../core/digest.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../media-types.ts'

const ground = new OciGround()
afterEach(() => ground.clear())

const CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 }
const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [] })
const DIGEST = digestOf(MANIFEST)
const OTHER = digestOf('other')
const HTML = answers(200, { 'content-type': 'text/html; charset=utf-8' }, '<html>Please sign in')
const TYPE = { 'content-type': OCI_MANIFEST }

function good(more: Record<string, string> = {}): Behaviour {
  return answers(200, { ...TYPE, 'docker-content-digest': DIGEST, ...more }, MANIFEST)
}

describe('a tag', () => {
  it('is asked for by a HEAD, which answers its digest and its type', async () => {
    const { upstream, server } = await ground.registry({ '/v2/demo/app/manifests/1': good() })
    expect(await upstream.findTag('demo/app', '1')).toEqual({ digest: DIGEST, mediaType: OCI_MANIFEST })
    expect(server.seen.map(({ method }) => method)).toEqual(['HEAD'])
    expect(server.seen[0]?.headers.get('accept')).toContain(OCI_INDEX)
  })

  it('is null where there is none', async () => {
    const { upstream } = await ground.registry({})
    expect(await upstream.findTag('demo/app', '1')).toBeNull()
  })

  it.each<[string, Behaviour]>([
    ['refuses a HEAD', answers(405)],
    ['says no digest', answers(200, TYPE)],
    ['says no type', answers(200, { 'docker-content-digest': DIGEST })],
  ])('is read whole where a server %s', async (_, toHead) => {
    const { upstream } = await ground.registryBy(({ method }) =>
      method === 'HEAD' ? toHead : answers(200, TYPE, MANIFEST),
    )
    expect(await upstream.findTag('demo/app', '1')).toEqual({ digest: DIGEST, mediaType: OCI_MANIFEST })
  })

  it('is an error, not content, where a page comes instead', async () => {
    const { upstream } = await ground.registryBy(() => HTML)
    expect(await upstreamFailure(upstream.findTag('demo/app', '1'))).toBe('broken')
  })

  it('is given up after its budget', async () => {
    const { upstream } = await ground.registryBy(() => isSilent)
    const begun = performance.now()
    expect(await upstreamFailure(upstream.findTag('demo/app', '1', { budgetMs: 150 }))).toBe('timeout')
    expect(performance.now() - begun).toBeLessThan(600)
  })
})

describe('an artifact', () => {
  it('comes byte for byte, by tag and by digest', async () => {
    const { upstream } = await ground.registryBy(() => good())
    for (const reference of ['1', DIGEST]) {
      const found = await upstream.findArtifact('demo/app', reference)
      expect([found?.digest, found?.mediaType, found?.blobs]).toEqual([DIGEST, OCI_MANIFEST, [CONFIG.digest]])
      expect(new TextDecoder().decode(found?.document)).toBe(MANIFEST)
    }
  })

  it('is null where there is none', async () => {
    const { upstream } = await ground.registry({})
    expect(await upstream.findArtifact('demo/app', '1')).toBeNull()
  })

  it('may be called by a longer digest than ours', async () => {
    const long = digestOf(MANIFEST, 'sha512')
    const { upstream } = await ground.registryBy(() =>
      answers(200, { ...TYPE, 'docker-content-digest': long }, MANIFEST),
    )
    expect((await upstream.findArtifact('demo/app', '1'))?.digest).toBe(long)
    expect((await upstream.findArtifact('demo/app', DIGEST))?.digest).toBe(DIGEST)
  })

  it.each<[string, Behaviour]>([
    ['another digest in its header', good({ 'docker-content-digest': OTHER })],
    ['a digest that is none in its header', good({ 'docker-content-digest': 'sha256:zz' })],
    ['a page', HTML],
    ['a page that calls itself a manifest', answers(200, TYPE, '<html>')],
    ['no JSON object', answers(200, TYPE, '[]')],
    ['another type than it has', answers(200, { 'content-type': OCI_INDEX }, MANIFEST)],
    [
      'a manifest of schema 1',
      answers(200, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+json' }, '{"schemaVersion":1}'),
    ],
    ['an error with 200', answers(200, { 'content-type': 'application/json' }, '{"errors":[]}')],
    ['10 GB', floodsBody(10_000_000_000, TYPE)],
    ['chunks without end', floodsBody(null, TYPE)],
    ['fewer bytes than it says', closesEarly(10_000, MANIFEST, TYPE)],
    ['a redirect for ever', redirects('/v2/demo/app/manifests/1')],
    ['a teapot', answers(418)],
    ['nothing where something was asked for', answers(204)],
    ['a part', answers(206, TYPE, MANIFEST)],
  ])('is no content but an error where the upstream gives %s', async (what, behaviour) => {
    const { upstream } = await ground.registryBy(() => behaviour)
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe(
      what === 'a redirect for ever' ? 'unsafe' : 'broken',
    )
  })

  it('is no content where it is another than its digest says', async () => {
    const { upstream } = await ground.registryBy(() => answers(200, TYPE, MANIFEST))
    expect(await upstreamFailure(upstream.findArtifact('demo/app', OTHER))).toBe('broken')
  })

  it('of a tag that changes is either the one or the other, whole', async () => {
    const second = MANIFEST.replace('"layers":[]', '"layers":[],"annotations":{"a":"b"}')
    let asked = 0
    const { upstream } = await ground.registryBy(() => {
      const body = asked++ % 2 === 0 ? MANIFEST : second
      return answers(200, { ...TYPE, 'docker-content-digest': digestOf(body) }, body)
    })
    for (const body of [MANIFEST, second])
      expect((await upstream.findArtifact('demo/app', '1'))?.digest).toBe(digestOf(body))
  })
})

describe('a blob', () => {
  const BLOB = 'x'.repeat(1_000)
  const read = async (stream: ReadableStream<Uint8Array>) => new Response(stream).text()
  const open = async (behaviour: Behaviour, offset = 0) => {
    const { upstream, server } = await ground.registryBy(() => behaviour)
    return { blob: await upstream.openBlob('demo/app', OTHER, offset), server }
  }
  const part = (range: string, body: string, more = {}) => answers(206, { 'content-range': range, ...more }, body)

  it('comes whole', async () => {
    const { blob, server } = await open(answers(200, {}, BLOB))
    expect([blob.size, await read(blob.stream)]).toEqual([1_000, BLOB])
    expect(server.seen[0]?.headers.has('range')).toBe(false)
  })

  it('comes from an offset on, also by a link to an object store that never sees our credentials', async () => {
    const store = await ground.host(() => part('bytes 400-999/1000', BLOB.slice(400)))
    const { upstream, server } = await ground.registryBy(
      ({ headers }) =>
        headers.has('authorization')
          ? redirects(`${store.url}/x?sig=1`)
          : answers(401, { 'www-authenticate': 'Basic realm="x"' }),
      { credentials: async () => ({ kind: 'password', user: 'u', password: 'p' }) },
    )
    const blob = await upstream.openBlob('demo/app', OTHER, 400)
    expect([blob.size, (await read(blob.stream)).length]).toEqual([1_000, 600])
    expect(store.seen.map(({ headers }) => [headers.get('range'), headers.get('authorization')])).toEqual([
      ['bytes=400-', null],
    ])
    expect(server.seen.length).toBe(2)
  })

  it('may be of a size that nobody tells', async () => {
    const { blob } = await open(writes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'))
    expect([blob.size, await read(blob.stream)]).toEqual([null, 'abc'])
    const unknown = await open(part('bytes 1-2/*', 'bc'), 1)
    expect(unknown.blob.size).toBe(3)
  })

  it('is missing where there is none', async () => {
    expect(await upstreamFailure(open(answers(404)))).toBe('missing')
  })

  it.each<[string, Behaviour, number]>([
    ['the whole instead of a part', answers(200, {}, BLOB), 400],
    ['a part instead of the whole', part('bytes 0-99/1000', BLOB.slice(0, 100)), 0],
    ['a part that begins elsewhere', part('bytes 399-999/1000', BLOB.slice(399)), 400],
    ['a part that ends too soon', part('bytes 400-499/1000', BLOB.slice(400, 500)), 400],
    ['a part of no size', part('bytes 400-399/1000', ''), 400],
    ['a part of another length than it says', part('bytes 400-999/1000', 'short'), 400],
    ['a part that says nothing of itself', answers(206, {}, BLOB.slice(400)), 400],
    ['no such part', answers(416, { 'content-range': 'bytes */1000' }), 4_000],
    ['several parts', answers(206, { 'content-type': 'multipart/byteranges; boundary=x' }, '--x--'), 400],
  ])('is refused at once where the upstream gives %s', async (_, behaviour, offset) => {
    expect(await upstreamFailure(open(behaviour, offset))).toBe('broken')
  })

  it.each<[string, Behaviour, number, string]>([
    ['ends early', closesEarly(1_000, 'short'), 0, 'broken'],
    [
      'ends early in a part',
      (socket) => {
        socket.write(
          `${head(206, { 'content-range': 'bytes 400-999/1000', 'transfer-encoding': 'chunked' })}3\r\nabc\r\n0\r\n\r\n`,
        )
      },
      400,
      'broken',
    ],
    [
      'never ends a part',
      (socket) => {
        socket.write(head(206, { 'content-range': 'bytes 400-409/410', 'transfer-encoding': 'chunked' }))
        const timer = setInterval(() => socket.write('5\r\nabcde\r\n'), 5)
        socket.on('close', () => clearInterval(timer))
      },
      400,
      'broken',
    ],
    ['goes silent', writes(`${head(200, { 'content-length': '1000' })}abc`), 0, 'timeout'],
    ['is reset', writes(`${head(200, { 'content-length': '1000' })}abc`, 'reset'), 0, 'broken'],
  ])('fails instead of ending where it %s', async (_, behaviour, offset, kind) => {
    const { upstream } = await ground.registryBy(() => behaviour, { idleMs: 150 })
    const { stream } = await upstream.openBlob('demo/app', OTHER, offset)
    expect(await upstreamFailure(new Response(stream).bytes())).toBe(kind)
  })

  it('that is slow but not silent takes the time it takes', async () => {
    const { upstream } = await ground.registryBy(() => drips(30, 20), { idleMs: 200, documentMs: 200 })
    const { stream } = await upstream.openBlob('demo/app', OTHER, 0)
    expect((await read(stream)).length).toBe(20)
  })

  it('is missing also where the words for that never end', async () => {
    const dripping: Behaviour = (socket) => {
      socket.write(head(404, { 'content-length': '60000' }))
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    }
    const { upstream, server } = await ground.registryBy(() => dripping, { documentMs: 200 })
    expect(await upstreamFailure(upstream.openBlob('demo/app', OTHER, 0))).toBe('missing')
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })

  it('that nobody wants any more is not read on', async () => {
    const { blob, server } = await open(floodsBody(10_000_000_000))
    const reader = blob.stream.getReader()
    await reader.read()
    await reader.cancel()
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })
})

describe('a refusal', () => {
  const refused = async (behaviour: Behaviour) => {
    const { upstream } = await ground.registryBy(() => behaviour)
    return upstream.findArtifact('demo/app', '1').then(
      () => null,
      (error: unknown) => error,
    )
  }
  const errors = (code: string, message = 'no') => JSON.stringify({ errors: [{ code, message }] })

  it.each<[number, Record<string, string>, string, object]>([
    [403, {}, errors('DENIED', 'not for you'), { kind: 'denied', status: 403 }],
    [401, {}, '', { kind: 'denied', status: 401 }],
    [429, { 'retry-after': '17' }, errors('TOOMANYREQUESTS'), { kind: 'rate-limited', retryAfterMs: 17_000 }],
    [403, {}, errors('TOOMANYREQUESTS'), { kind: 'rate-limited', status: 403 }],
    [500, {}, '<html>', { kind: 'unreachable', status: 500 }],
    [503, { 'retry-after': '5' }, '', { kind: 'unreachable', retryAfterMs: 5_000 }],
    [408, {}, '', { kind: 'timeout' }],
    [400, {}, errors('NAME_INVALID'), { kind: 'broken', status: 400 }],
  ])('with %i is told for what it is', async (status, headers, body, expected) => {
    expect(await refused(answers(status, headers, body))).toMatchObject(expected)
  })

  it('is worded in one plain line, however long and wild the upstream words it', async () => {
    const wild = `a\u001b[31m\n\r\u0000${'b'.repeat(10_000)}`
    const error = await refused(answers(403, {}, errors('DENIED', wild)))
    if (!(error instanceof Error)) throw new Error('no refusal')
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+ answers 403: a \[31m b+$/)
    expect(error.message.length).toBeLessThan(400)
  })

  it('without end is not read', async () => {
    const { upstream, server } = await ground.registryBy(() =>
      writes('HTTP/1.1 403 No\r\ncontent-length: 9000000000\r\n\r\nabc'),
    )
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('denied')
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })
})

describe('lists', () => {
  it('of tags come page by page, by the links of the upstream', async () => {
    const path = '/v2/demo/app/tags/list'
    const { upstream, server } = await ground.registry({
      [`${path}?n=2`]: answers(
        200,
        { link: `<http://other.example${path}?n=2&next_page=q%3D>; rel="next"` },
        '{"tags":["a","b"]}',
      ),
      [`${path}?n=2&next_page=q%3D`]: answers(200, {}, '{"tags":["c","not a tag!",5]}'),
    })
    const first = await upstream.tags('demo/app', { limit: 2 })
    expect(first).toEqual({ items: ['a', 'b'], next: `${path}?n=2&next_page=q%3D` })
    expect(await upstream.tags('demo/app', { limit: 2, after: first?.next ?? '' })).toEqual({ items: ['c'] })
    expect(server.seen.length).toBe(2)
    for (const after of [
      '/v2/other/tags/list?n=1',
      '/v2/demo/app/tags/listen',
      '//evil.example/',
      'http://evil.example/',
    ]) {
      expect(await upstreamFailure(upstream.tags('demo/app', { limit: 2, after }))).toBe('broken')
    }
    expect(await upstream.tags('no/such', { limit: 2 })).toBeNull()
  })

  it.each<[string, Behaviour]>([
    ['a page', HTML],
    ['no list', answers(200, {}, '{"tags":"a"}')],
    ['no JSON', answers(200, {}, 'a,b')],
    [
      'a list that leads to itself',
      answers(200, { link: '</v2/demo/app/tags/list?n=2>; rel="next"' }, '{"tags":["a"]}'),
    ],
    ['a list without end', floodsBody(null)],
  ])('of tags are no content where the upstream gives %s', async (_, behaviour) => {
    const { upstream } = await ground.registryBy(() => behaviour)
    expect(await upstreamFailure(upstream.tags('demo/app', { limit: 2 }))).toBe('broken')
  })

  const referrer = { mediaType: OCI_MANIFEST, digest: OTHER, size: 5, artifactType: 'a/b', annotations: { c: 'd' } }
  const index = (manifests: unknown[]) => JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })

  it('of referrers come from the API, over its pages', async () => {
    const path = `/v2/demo/app/referrers/${DIGEST}`
    const { upstream } = await ground.registry({
      [path]: answers(200, { 'content-type': OCI_INDEX, link: `<${path}?p=2>; rel="next"` }, index([referrer])),
      [`${path}?p=2`]: answers(
        200,
        { 'content-type': OCI_INDEX },
        index([{ ...referrer, digest: DIGEST }, { digest: 'x' }, 5]),
      ),
    })
    expect(await upstream.referrers('demo/app', DIGEST)).toEqual([referrer, { ...referrer, digest: DIGEST }])
  })

  it('of referrers come from the tag where there is no API', async () => {
    const tag = DIGEST.replace(':', '-')
    const listed = index([referrer])
    const { upstream } = await ground.registry({
      [`/v2/demo/app/manifests/${tag}`]: answers(200, { 'content-type': OCI_INDEX }, listed),
    })
    expect(await upstream.referrers('demo/app', DIGEST)).toEqual([referrer])
    expect(await upstream.referrers('demo/app', OTHER)).toEqual([])
  })

  it('of referrers end, whatever the upstream links to', async () => {
    const path = `/v2/demo/app/referrers/${DIGEST}`
    const { upstream, server } = await ground.registryBy(() =>
      answers(200, { link: `<${path}?again>; rel="next"` }, index([referrer])),
    )
    await upstream.referrers('demo/app', DIGEST)
    expect(server.seen.length).toBeLessThan(50)
    const elsewhere = await ground.registryBy(() => answers(200, { link: '</v2/other/x>; rel="next"' }, index([])))
    expect(await upstreamFailure(elsewhere.upstream.referrers('demo/app', DIGEST))).toBe('broken')
  })
})

describe('the limit of an upstream', () => {
  it('is what it last said, by whatever answer', async () => {
    let left = 80
    const { upstream } = await ground.registryBy(({ method }) => {
      const limit = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${left--};w=21600` }
      return method === 'HEAD' ? good(limit) : answers(429, limit)
    })
    expect(upstream.rateLimit()).toBeNull()
    await upstream.findTag('demo/app', '1')
    expect(upstream.rateLimit()).toMatchObject({ limit: 100, remaining: 80, windowSeconds: 21_600 })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('rate-limited')
    expect(upstream.rateLimit()).toMatchObject({ remaining: 79 })
  })
})
