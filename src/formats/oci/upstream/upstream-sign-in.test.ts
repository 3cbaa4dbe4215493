import { afterEach, describe, expect, it } from 'bun:test'
import {
  answers,
  type Behaviour,
  type HostileUpstream,
  isSilent,
  redirects,
  type SeenRequest,
} from '../../../../tests/harness/hostile-upstream.ts'
import { OciGround, upstreamFailure } from '../../../../tests/harness/oci-ground.ts'
import { OCI_MANIFEST } from '../media-types.ts'
import type { OciUpstreamSettings } from './oci-upstream.ts'
import type { CredentialSource } from './upstream-credentials.ts'

const ground = new OciGround()
afterEach(() => ground.clear())

const BOB: CredentialSource = async () => ({ kind: 'password', user: 'bob', password: 'pä:ss' })
const BASIC = `Basic ${Buffer.from('bob:pä:ss').toString('base64')}`
const CONFIG = `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:${'a'.repeat(64)}","size":2}`
const MANIFEST = answers(200, { 'content-type': OCI_MANIFEST }, `{"schemaVersion":2,"config":${CONFIG},"layers":[]}`)

function challenge(text: string): Behaviour {
  return answers(401, { 'www-authenticate': text }, '{"errors":[{"code":"UNAUTHORIZED","message":"sign in"}]}')
}

function token(text: string, more: object = {}): Behaviour {
  return answers(200, { 'content-type': 'application/json' }, JSON.stringify({ token: text, expires_in: 300, ...more }))
}

interface Service {
  /** Tokens that the registry takes. */
  readonly good: Set<string>
  /** Questions to the token service. */
  readonly asked: SeenRequest[]
  readonly server: HostileUpstream
}

/** A registry whose token service is at `/token` of the same host. */
async function registry(
  serve: (request: SeenRequest, count: number) => Behaviour | undefined,
  settings: Partial<OciUpstreamSettings> = {},
  scope = 'repository:demo/app:pull,push',
) {
  const good = new Set<string>(['t1'])
  const asked: SeenRequest[] = []
  const { upstream, server } = await ground.registryBy((request): Behaviour | undefined => {
    if (request.path.startsWith('/token')) {
      asked.push(request)
      return serve(request, asked.length)
    }
    const shown = request.headers.get('authorization')?.replace('Bearer ', '')
    if (shown !== undefined && good.has(shown)) return MANIFEST
    const host = request.headers.get('host')
    return challenge(`Bearer realm="http://${host}/token?x=1",service="the \\"registry\\"",scope="${scope}"`)
  }, settings)
  const service: Service = { good, asked, server }
  return { upstream, service }
}

describe('a registry with a token service', () => {
  it('gets a token for the name, to pull only, asked for with the password', async () => {
    const { upstream, service } = await registry(() => token('t1'), { credentials: BOB })
    expect(await upstream.findArtifact('demo/app', '1')).not.toBeNull()
    const url = new URL(service.asked[0]?.path ?? '', service.server.url)
    expect([...url.searchParams]).toEqual([
      ['x', '1'],
      ['service', 'the "registry"'],
      ['scope', 'repository:demo/app:pull'],
    ])
    expect(service.asked[0]?.headers.get('authorization')).toBe(BASIC)
    const shown = service.server.seen.filter(({ path }) => path.startsWith('/v2/'))
    expect(shown.map(({ headers }) => headers.get('authorization'))).toEqual([null, 'Bearer t1'])
  })

  it('asks for nothing more while the token is good, and asks anew before it ends', async () => {
    let now = 1_000_000
    const { upstream, service } = await registry((_, count) => token(`t${count}`), { clock: () => now })
    for (let i = 0; i < 3; i++) await upstream.findArtifact('demo/app', '1')
    expect([service.asked.length, service.server.seen.length]).toEqual([1, 5])
    now += 296_000
    service.good.clear()
    service.good.add('t2')
    await upstream.findArtifact('demo/app', '1')
    expect([service.asked.length, service.server.seen.length]).toEqual([2, 7])
  })

  it('keeps tokens of names apart', async () => {
    const { upstream, service } = await registry(() => token('t1'))
    await upstream.findArtifact('demo/app', '1')
    await upstream.findArtifact('demo/other', '1')
    const scopes = service.asked.map(({ path }) => new URL(path, service.server.url).searchParams.get('scope'))
    expect(scopes).toEqual(['repository:demo/app:pull', 'repository:demo/other:pull'])
  })

  it('is asked for one token by however many at once, whom others may leave', async () => {
    const slowly: Behaviour = (socket, request) => setTimeout(() => token('t1')(socket, request), 100)
    const { upstream, service } = await registry(() => slowly)
    const impatient = new AbortController()
    const first = upstream
      .findArtifact('demo/app', '1', { signal: impatient.signal })
      .catch((reason: unknown) => reason)
    const others = Array.from({ length: 30 }, () => upstream.findArtifact('demo/app', '1'))
    await Bun.sleep(50)
    impatient.abort('left')
    expect(await first).toBe('left')
    expect((await Promise.all(others)).every((found) => found !== null)).toBe(true)
    expect(service.asked.length).toBe(1)
  })

  it('gets another token when the one we have is refused, once for all who are refused', async () => {
    const { upstream, service } = await registry((_, count) => token(`t${count}`))
    await upstream.findArtifact('demo/app', '1')
    service.good.clear()
    service.good.add('t2')
    await Promise.all(Array.from({ length: 10 }, () => upstream.findArtifact('demo/app', '1')))
    expect(service.asked.length).toBe(2)
  })

  it('repeats a scope in words of its own', async () => {
    const { upstream, service } = await registry(() => token('t1'), {}, 'aws')
    await upstream.findArtifact('demo/app', '1')
    expect(new URL(service.asked[0]?.path ?? '', service.server.url).searchParams.get('scope')).toBe('aws')
  })

  it('gets what it wants by a form where it wants one', async () => {
    const serve = ({ method }: SeenRequest) => (method === 'POST' ? token('', { access_token: 't1' }) : answers(405))
    const { upstream, service } = await registry(serve, { credentials: BOB })
    await upstream.findArtifact('demo/app', '1')
    expect(Object.fromEntries(new URLSearchParams(service.asked[1]?.body))).toEqual({
      grant_type: 'password',
      client_id: 'seawall',
      service: 'the "registry"',
      scope: 'repository:demo/app:pull',
      username: 'bob',
      password: 'pä:ss',
    })
    expect(service.asked[1]?.headers.get('authorization')).toBeNull()
  })

  it('gets an identity token as what it is', async () => {
    const { upstream, service } = await registry(() => token('', { access_token: 't1' }), {
      credentials: async () => ({ kind: 'identity-token', token: 'refresh me' }),
    })
    await upstream.findArtifact('demo/app', '1')
    const form = new URLSearchParams(service.asked[0]?.body)
    expect([service.asked[0]?.method, form.get('grant_type'), form.get('refresh_token')]).toEqual([
      'POST',
      'refresh_token',
      'refresh me',
    ])
  })

  it.each<[string, Behaviour, string]>([
    ['refuses the password', answers(401), 'denied'],
    ['forbids', answers(403), 'denied'],
    ['limits us', answers(429, { 'retry-after': '3' }), 'rate-limited'],
    ['is not well', answers(502), 'unreachable'],
    ['is not there', answers(404), 'broken'],
    ['gives a page', answers(200, { 'content-type': 'text/html' }, '<html>'), 'broken'],
    ['gives no token', answers(200, {}, '{}'), 'broken'],
    ['gives a token with a line break in it', token('a\r\nx: y'), 'broken'],
    ['gives a token that is too large', token('a'.repeat(300_000)), 'broken'],
    ['leads on for ever', redirects('/token'), 'unsafe'],
    ['is silent', isSilent, 'timeout'],
  ])('is told for what it is where the service %s', async (_, behaviour, kind) => {
    const { upstream } = await registry(() => behaviour, { documentMs: 300 })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe(kind)
  })

  it.each<[number, Record<string, string>, string, number]>([
    [401, {}, 'denied', 10_000],
    [429, { 'retry-after': '30' }, 'rate-limited', 30_000],
    [429, { 'retry-after': '9000' }, 'rate-limited', 60_000],
  ])('that refuses us with %i is left alone for a while', async (status, headers, kind, restMs) => {
    let now = 1_000_000
    const serve = (_: SeenRequest, count: number) => (count === 1 ? answers(status, headers) : token('t1'))
    const { upstream, service } = await registry(serve, { credentials: BOB, clock: () => now })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe(kind)
    now += restMs - 1
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe(kind)
    expect(service.asked.length).toBe(1)
    now += 1
    expect(await upstream.findArtifact('demo/app', '1')).not.toBeNull()
  })

  it('that gives a token and refuses the name all the same does not say whether it is there', async () => {
    const { upstream, service } = await registry(() => token('no-rights'), { credentials: BOB })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('hidden')
    expect(await upstreamFailure(upstream.findTag('demo/app', '1'))).toBe('hidden')
    expect(service.server.seen.length).toBeLessThan(10)
  })
})

describe('credentials', () => {
  it('are never sent to a token service of a stranger, nor is it asked without them', async () => {
    const stranger = await ground.host(() => token('t1'))
    const realm = stranger.url.replace('127.0.0.1', '127.0.0.2')
    for (const credentials of [BOB, async () => null]) {
      const { upstream } = await ground.registryBy(() => challenge(`Bearer realm="${realm}/token"`), { credentials })
      expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('unsafe')
    }
    expect(stranger.accepted).toBe(0)
  })

  it('stay behind when a token service leads elsewhere', async () => {
    const elsewhere = await ground.host(() => token('t1'))
    const { upstream, service } = await registry(() => redirects(`${elsewhere.url}/token`), { credentials: BOB })
    await upstream.findArtifact('demo/app', '1')
    expect(service.asked[0]?.headers.get('authorization')).toBe(BASIC)
    expect(elsewhere.seen.map(({ headers }) => headers.get('authorization'))).toEqual([null])
  })

  it('are shown themselves where Basic is all that is offered, and from then on at once', async () => {
    const { upstream, server } = await ground.registryBy(
      ({ headers }) => (headers.get('authorization') === BASIC ? MANIFEST : challenge('Basic realm="x"')),
      { credentials: BOB },
    )
    for (let i = 0; i < 3; i++) expect(await upstream.findArtifact('demo/app', '1')).not.toBeNull()
    expect(server.seen.length).toBe(4)
  })

  it('that are wrong are denied, without another try', async () => {
    const { upstream, server } = await ground.registryBy(() => challenge('Basic realm="x"'), { credentials: BOB })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('denied')
    expect(server.seen.length).toBe(2)
    const nobody = await ground.registryBy(() => challenge('Basic realm="x"'))
    expect(await upstreamFailure(nobody.upstream.findArtifact('demo/app', '1'))).toBe('denied')
  })

  it('are not asked for by where a redirect leads', async () => {
    const store = await ground.host(() => challenge('Basic realm="x"'))
    const { upstream } = await ground.registryBy(() => redirects(`${store.url}/x`), { credentials: BOB })
    expect(await upstreamFailure(upstream.findArtifact('demo/app', '1'))).toBe('broken')
    expect(store.seen.map(({ headers }) => headers.get('authorization'))).toEqual([null])
  })

  it('stand in no message', async () => {
    const { upstream } = await registry(() => answers(401), { credentials: BOB })
    const error = await upstream.findArtifact('demo/app', '1').catch((thrown: unknown) => thrown)
    expect(Bun.inspect(error)).not.toContain('pä:ss')
    expect(Bun.inspect(error)).not.toContain(BASIC.slice(6))
  })
})
