import { describe, expect, it } from 'bun:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { startSeawall } from '../harness/seawall.ts'
import { expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { type Answer, jsonOf, parseChallenge } from './registry-client.ts'
import { index } from './samples.ts'

interface TokenAnswer {
  readonly token: string
  readonly access_token: string
  readonly expires_in: number
  readonly issued_at: string
  readonly scope?: string
  readonly refresh_token?: string
}

interface Access {
  readonly type: string
  readonly name: string
  readonly actions: string[]
}

/** The token endpoint and its service, as the challenge names them. */
async function realmOf(ground: Ground): Promise<{ realm: string; service: string }> {
  const { parameters } = parseChallenge(
    (await ground.admin.askBare('GET', '/v2/')).headers.get('www-authenticate') ?? '',
  )
  return { realm: parameters.realm ?? '', service: parameters.service ?? '' }
}

function accessOf(token: string): Access[] {
  const { access } = decodeJwt<{ access: Access[] }>(token)
  return access.map(({ type, name, actions }) => ({ type, name, actions })) // an entry may hold more, for ourselves
}

/** One part of a token, changed. */
function forge(token: string, part: 0 | 1, change: (claims: Record<string, unknown>) => object): string {
  const parts = token.split('.')
  const claims = JSON.parse(Buffer.from(parts[part] ?? '', 'base64url').toString())
  parts[part] = Buffer.from(JSON.stringify(change(claims))).toString('base64url')
  return parts.join('.')
}

type AskToken = (
  scopes: readonly string[],
  more?: { authorization?: string; query?: [string, string][] },
) => Promise<Answer>

function askByGet(ground: Ground): AskToken {
  return async (scopes, { authorization, query = [] } = {}) => {
    const { realm, service } = await realmOf(ground)
    const basic = `Basic ${btoa(`admin:${ground.server.adminPassword}`)}`
    const headers = authorization === '' ? {} : { authorization: authorization ?? basic }
    const all = [['service', service] as const, ...scopes.map((scope) => ['scope', scope] as const), ...query]
    return ground.admin.askBare('GET', realm, { headers, query: all })
  }
}

async function askByPost(ground: Ground, form: Record<string, string>): Promise<Answer> {
  const { realm, service } = await realmOf(ground)
  const body = new URLSearchParams({ service, client_id: 'test', ...form }).toString()
  return ground.admin.askBare('POST', realm, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })
}

function serviceByGet(ground: Ground): void {
  const ask = askByGet(ground)

  it('gives by GET a token in every spelling that clients read', async () => {
    const answer = await ask(['repository:tokens/app:pull,push'])
    expectStatus(answer, 200)
    const given = jsonOf<TokenAnswer>(answer)
    expect(given.access_token).toBe(given.token)
    expect(given.expires_in).toBeGreaterThanOrEqual(60)
    expect(given.issued_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    expect(Math.abs(Date.parse(given.issued_at) - Date.now())).toBeLessThan(60_000)
    expect(answer.headers.get('cache-control')).toContain('no-store')
  })

  it('signs what the registry is to believe, with a key that it publishes', async () => {
    const { service } = await realmOf(ground)
    const { token } = jsonOf<TokenAnswer>(await ask(['repository:tokens/app:pull,push']))
    const published = jsonOf<JSONWebKeySet>(await ground.admin.askBare('GET', '/.well-known/jwks.json'))
    for (const key of published.keys) expect(Object.keys(key)).not.toContain('d')
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(published), { audience: service })
    expect(protectedHeader.kid).toBeTruthy()
    expect(payload).toMatchObject({
      iss: expect.any(String),
      sub: expect.any(String),
      aud: service,
      exp: expect.any(Number),
      nbf: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.any(String),
    })
    expect(accessOf(token)).toEqual([{ type: 'repository', name: 'tokens/app', actions: ['pull', 'push'] }])
  })

  const SCOPES: [asked: string[], granted: Access[]][] = [
    [[], []],
    [['repository:a/b:pull'], [{ type: 'repository', name: 'a/b', actions: ['pull'] }]],
    [['repository:a/b:push,pull'], [{ type: 'repository', name: 'a/b', actions: ['push', 'pull'] }]],
    [
      ['repository:a/b:pull', 'repository:c/d:push'],
      [
        { type: 'repository', name: 'a/b', actions: ['pull'] },
        { type: 'repository', name: 'c/d', actions: ['push'] },
      ],
    ],
    [
      ['repository:a/b:pull repository:c/d:pull'],
      [
        { type: 'repository', name: 'a/b', actions: ['pull'] },
        { type: 'repository', name: 'c/d', actions: ['pull'] },
      ],
    ],
    [['repository(plugin):a/b:pull'], [{ type: 'repository', name: 'a/b', actions: ['pull'] }]],
    [['repository:a/b:pull,fly'], [{ type: 'repository', name: 'a/b', actions: ['pull'] }]],
    [['registry:catalog:*'], [{ type: 'registry', name: 'catalog', actions: ['*'] }]],
    [['repository:Not/A/Name:pull', 'nonsense', 'a:b', ':::'], []],
    [['repository:host:5000/a/b:pull'], []],
  ]
  it.each(SCOPES)('grants an administrator of %j exactly %j', async (asked, granted) => {
    const answer = await ask(asked)
    expectStatus(answer, 200)
    expect(accessOf(jsonOf<TokenAnswer>(answer).token)).toEqual(granted)
  })

  it('grants a stranger nothing of what is not public, without calling it an error', async () => {
    const answer = await ask(['repository:tokens/app:pull,push'], { authorization: '' })
    expectStatus(answer, 200)
    const { token } = jsonOf<TokenAnswer>(answer)
    expect(accessOf(token)).toEqual([])
    expect(decodeJwt(token).sub).toBe('')
  })

  it('refuses wrong credentials, also where none were needed', async () => {
    for (const authorization of [`Basic ${btoa('admin:wrong')}`, `Basic ${btoa('nobody:x')}`, 'Basic ***']) {
      const answer = await ask(['repository:tokens/app:pull'], { authorization })
      expectRefusal(answer, 401, 'UNAUTHORIZED')
    }
  })

  it('bounds how much may be asked at once', async () => {
    const scopes = Array.from({ length: 101 }, (_, at) => `repository:a/b${at}:pull`)
    expectStatus(await ask(scopes), 400)
  })
}

function serviceByPost(ground: Ground): void {
  const password = () => ({ grant_type: 'password', username: 'admin', password: ground.server.adminPassword })

  it('gives by POST a token for a password, with the scope that it has', async () => {
    const answer = await askByPost(ground, { ...password(), scope: 'repository:a/b:pull,push repository:c/d:pull' })
    expectStatus(answer, 200)
    const given = jsonOf<TokenAnswer>(answer)
    expect(given.scope).toBe('repository:a/b:pull,push repository:c/d:pull')
    expect(accessOf(given.access_token).map((one) => one.name)).toEqual(['a/b', 'c/d'])
    expect(given.refresh_token).toBeUndefined()
    expectStatus(
      await ground.admin.askBare('GET', '/v2/', { headers: { authorization: `Bearer ${given.access_token}` } }),
      200,
    )
  })

  it('gives a refresh token to who asks for offline access, and takes it', async () => {
    const first = jsonOf<TokenAnswer>(
      await askByPost(ground, { ...password(), access_type: 'offline', scope: 'repository:a/b:pull' }),
    )
    const refresh = first.refresh_token ?? ''
    expect(refresh.length).toBeGreaterThan(20)
    const again = await askByPost(ground, {
      grant_type: 'refresh_token',
      refresh_token: refresh,
      scope: 'repository:c/d:push',
    })
    expectStatus(again, 200)
    expect(accessOf(jsonOf<TokenAnswer>(again).access_token)).toEqual([
      { type: 'repository', name: 'c/d', actions: ['push'] },
    ])
  })

  const REFUSED: [form: Record<string, string>, status: number][] = [
    [{ grant_type: 'password', username: 'admin', password: 'wrong' }, 401],
    [{ grant_type: 'refresh_token', refresh_token: 'nonsense' }, 401],
    [{ grant_type: 'password' }, 400],
    [{ grant_type: 'client_credentials' }, 400],
    [{}, 400],
  ]
  it.each(REFUSED)('refuses by POST %j with %d', async (form, status) => {
    expectStatus(await askByPost(ground, form), status)
  })
}

function forgeries(ground: Ground): void {
  const ask = askByGet(ground)
  const use = (token: string, path = 'manifests/v1') =>
    ground.admin.askBare('GET', `/v2/forged/app/${path}`, { headers: { authorization: `Bearer ${token}` } })
  const expectInvalid = (answer: Answer) => {
    expectRefusal(answer, 401, 'UNAUTHORIZED')
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
  const honest = async () => jsonOf<TokenAnswer>(await ask(['repository:forged/app:pull,push'])).token

  it('believes an honest token, for what it names alone', async () => {
    const token = await honest()
    expectStatus(await new ImageClient(ground.admin, 'forged/app').putManifest('v1', index([])), 201)
    expectStatus(await use(token), 200)
    const elsewhere = await ground.admin.askBare('GET', '/v2/forged/other/manifests/v1', {
      headers: { authorization: `Bearer ${token}` },
    })
    expectStatus(elsewhere, 401)
    expect(elsewhere.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    const remove = await ground.admin.askBare('DELETE', '/v2/forged/app/manifests/v1', {
      headers: { authorization: `Bearer ${token}` },
    })
    expectStatus(remove, 401)
    expect(remove.headers.get('www-authenticate')).toContain('scope="repository:forged/app:delete"')
  })

  const CHANGES: [name: string, change: (token: string) => string][] = [
    [
      'more rights',
      (token) =>
        forge(token, 1, (claims) => ({
          ...claims,
          access: [{ type: 'repository', name: 'forged/app', actions: ['pull', 'push', 'delete'] }],
        })),
    ],
    ['another holder', (token) => forge(token, 1, (claims) => ({ ...claims, sub: 'somebody' }))],
    ['a longer life', (token) => forge(token, 1, (claims) => ({ ...claims, exp: 9_999_999_999 }))],
    ['another audience', (token) => forge(token, 1, (claims) => ({ ...claims, aud: 'elsewhere' }))],
    ['the algorithm none', (token) => forge(token, 0, (header) => ({ ...header, alg: 'none' })).replace(/[^.]*$/, '')],
    ['the algorithm None, signature kept', (token) => forge(token, 0, (header) => ({ ...header, alg: 'None' }))],
    ['an unknown key', (token) => forge(token, 0, (header) => ({ ...header, kid: '../../dev/null' }))],
    ['no key', (token) => forge(token, 0, ({ kid: _, ...header }) => header)],
    ['a key of its own', (token) => forge(token, 0, (header) => ({ ...header, jwk: { kty: 'oct', k: 'AAAA' } }))],
    ['a cut signature', (token) => token.slice(0, -10)],
    ['no signature', (token) => token.replace(/[^.]*$/, '')],
    ['a changed signature', (token) => token.slice(0, -6) + (token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA')],
    ['a fourth part', (token) => `${token}.x`],
    ['no form at all', () => 'hello'],
  ]
  it.each(CHANGES)('does not believe a token with %s', async (_, change) => {
    const token = change(await honest())
    expectInvalid(await use(token))
    expectInvalid(await ground.admin.askBare('GET', '/v2/', { headers: { authorization: `Bearer ${token}` } }))
  })

  it('does not believe a token whose public key was taken for a shared secret', async () => {
    const published = jsonOf<JSONWebKeySet>(await ground.admin.askBare('GET', '/.well-known/jwks.json'))
    const token = forge(await honest(), 0, (header) => ({ ...header, alg: 'HS256' }))
    const signed = token.split('.').slice(0, 2).join('.')
    for (const secret of [JSON.stringify(published.keys[0]), String(published.keys[0]?.x), '']) {
      const signature = new Bun.CryptoHasher('sha256', secret).update(signed).digest('base64url')
      expectInvalid(await use(`${signed}.${signature}`))
    }
  })

  it('does not believe a token of another registry', async () => {
    const other = await startSeawall()
    try {
      const answer = await fetch(`${other.url}/token?service=x&scope=repository:forged/app:pull`, {
        headers: { authorization: `Basic ${btoa(`admin:${other.adminPassword}`)}` },
      })
      const { token }: TokenAnswer = JSON.parse(await answer.text())
      expect(decodeProtectedHeader(token).kid).toBeTruthy()
      expectInvalid(await use(token))
    } finally {
      await other.stop()
    }
  })
}

/** The token service by GET and POST, and what is not a token of it. */
export function tokensSuite(ground: Ground): void {
  describe('the token service', () => {
    serviceByGet(ground)
    serviceByPost(ground)
    forgeries(ground)
  })
}
