import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { ADDRESS, ISSUER, SERVICE, TestAuth } from '../../tests/harness/auth.ts'
import { saveAccessToken } from '../auth/access-token.ts'
import type { User } from '../auth/user.ts'
import { migrate } from '../storage/migrate.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'
import { authenticate } from './authenticate.ts'
import { createKeysHandler } from './keys.ts'
import { getToken, postToken } from './token.ts'

const PASSWORD = 'correct horse: battery'
const FROM = { clientAddress: ADDRESS }

let database: SqliteDatabase
let test: TestAuth
let alice: User

beforeAll(async () => {
  database = await SqliteDatabase.open(':memory:')
  await migrate(database)
  test = new TestAuth(database)
  alice = await test.user('alice', { password: PASSWORD })
  await test.repository('open', 'public')
})

afterAll(() => database.close())

const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

async function read(response: Response) {
  // what a client would find; each test names what it relies on
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

async function get(query: string, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization }
  return read(await getToken(test.auth, new Request(`http://registry/token?${query}`, { headers }), FROM))
}

async function post(form: Record<string, string> | string, type = 'application/x-www-form-urlencoded') {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
  const headers = { 'content-type': type }
  return read(await postToken(test.auth, new Request('http://registry/token', { method: 'POST', headers, body }), FROM))
}

const accessOf = (body: Record<string, unknown>) => decodeJwt(String(body.access_token)).access

describe('GET /token', () => {
  it('gives a token in both spellings, with its life', async () => {
    const { status, headers, body } = await get(
      `service=${SERVICE}&scope=repository:new/app:pull,push`,
      basic('alice', PASSWORD),
    )
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body.token).toBe(body.access_token)
    expect(body.expires_in).toBe(300)
    expect(Math.abs(Date.parse(String(body.issued_at)) - Date.now())).toBeLessThan(5_000)
    expect(Object.keys(body)).not.toContain('refresh_token')
    expect(decodeJwt(String(body.token))).toMatchObject({ iss: ISSUER, aud: SERVICE, sub: alice.id })
    expect(accessOf(body)).toEqual([{ type: 'repository', name: 'new/app', actions: ['pull', 'push'] }])
  })

  it('takes several scopes, repeated or with spaces', async () => {
    const { body } = await get('scope=repository:open/a:pull&scope=repository:open/b:pull%20repository:open/c:pull')
    expect(accessOf(body)).toHaveLength(3)
  })

  it('gives a stranger what is public, without calling the rest an error', async () => {
    const { status, body } = await get('scope=repository:open/a:pull,push&scope=repository:hidden/a:pull')
    expect(status).toBe(200)
    expect(decodeJwt(String(body.token)).sub).toBe('')
    expect(accessOf(body)).toEqual([{ type: 'repository', name: 'open/a', actions: ['pull'] }])
  })

  it('refuses wrong credentials in the form that clients show', async () => {
    for (const authorization of [basic('alice', 'wrong'), basic('nobody', 'x'), 'Basic ***', 'Digest x', 'Basic']) {
      const { status, headers, body } = await get('scope=repository:open/a:pull', authorization)
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toStartWith('Basic')
      expect(body.errors).toEqual([expect.objectContaining({ code: 'UNAUTHORIZED' })])
    }
  })

  it('does not give a new token for a registry token', async () => {
    const { body } = await get('', basic('alice', PASSWORD))
    expect((await get('', `Bearer ${body.token}`)).status).toBe(401)
  })

  it('gives a refresh token to who asks and is somebody', async () => {
    const { body } = await get('offline_token=true&client_id=docker', basic('alice', PASSWORD))
    expect(body.refresh_token).toMatch(/^swr_/)
    expect((await get('offline_token=true')).body.refresh_token).toBeUndefined()
  })

  it('refuses more scopes than a client has reason to ask', async () => {
    expect((await get(Array(101).fill('scope=repository:a/b:pull').join('&'))).status).toBe(400)
  })
})

describe('POST /token', () => {
  const password = { grant_type: 'password', username: 'alice', password: PASSWORD, service: SERVICE, client_id: 'x' }

  it('gives a token for a password, and says what it grants', async () => {
    const { status, body } = await post({ ...password, scope: 'repository:open/a:pull,push repository:no/way:delete' })
    expect(status).toBe(200)
    expect(body.scope).toBe('repository:open/a:pull')
    expect(body.expires_in).toBe(300)
    expect(body.refresh_token).toBeUndefined()
  })

  it('gives a refresh token for offline access, which then stands for the password', async () => {
    const { body } = await post({ ...password, access_type: 'offline' })
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) }
    const again = await post({ ...refresh, scope: 'repository:new/app:push' })
    expect(again.status).toBe(200)
    expect(again.body.scope).toBe('repository:new/app:push')
    expect((await post({ ...refresh, access_type: 'offline' })).body.refresh_token).toBe(refresh.refresh_token)
  })

  it('takes an access token for the password', async () => {
    const { secret } = await database.transaction((tx) =>
      saveAccessToken(tx, { userId: alice.id, name: 'ci', scopes: ['read'], expiresAt: null }, Date.now()),
    )
    const { body } = await post({
      ...password,
      password: secret,
      scope: 'repository:open/a:pull repository:new/x:push',
    })
    expect(body.scope).toBe('repository:open/a:pull')
  })

  const REFUSED: [name: string, form: Record<string, string>, status: number, error: string][] = [
    ['a wrong password', { ...password, password: 'wrong' }, 401, 'invalid_grant'],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'invalid_grant'],
    ['no password', { grant_type: 'password', username: 'alice' }, 400, 'invalid_request'],
    ['no grant type', {}, 400, 'invalid_request'],
    ['another grant type', { grant_type: 'client_credentials' }, 400, 'unsupported_grant_type'],
    ['a huge form', { ...password, x: 'x'.repeat(70_000) }, 400, 'invalid_request'],
  ]
  it.each(REFUSED)('refuses %s', async (_, form, status, error) => {
    const answer = await post(form)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ error, error_description: expect.any(String), errors: expect.any(Array) })
  })

  it('tells who guessed too often when to come again, by both methods', async () => {
    for (let i = 0; i < 10; i++) await post({ ...password, username: 'guessed', password: `guess ${i}` })
    const byPost = await post({ ...password, username: 'guessed' })
    const byGet = await get('', basic('guessed', PASSWORD))
    for (const { status, headers } of [byPost, byGet]) {
      expect(status).toBe(429)
      expect(Number(headers.get('retry-after'))).toBeWithin(1, 301)
    }
    expect(byGet.body.errors).toEqual([expect.objectContaining({ code: 'TOOMANYREQUESTS' })])
  })

  it('refuses what is no form', async () => {
    expect((await post('{"grant_type":"password"}', 'application/json')).status).toBe(400)
  })
})

describe('the authentication of a request', () => {
  const actorOf = async (authorization?: string) =>
    authenticate(test.auth, new Request('http://x/', { headers: authorization ? { authorization } : {} }), FROM)

  it('knows strangers, passwords, access tokens and registry tokens', async () => {
    expect((await actorOf()).kind).toBe('anonymous')
    expect(await actorOf(basic('alice', PASSWORD))).toEqual(test.actor(alice))
    expect(await actorOf(basic('alice', PASSWORD).replace('Basic', 'BASIC'))).toEqual(test.actor(alice))
    const { secret } = await database.transaction((tx) =>
      saveAccessToken(tx, { userId: alice.id, name: 'ci', scopes: [], expiresAt: null }, Date.now()),
    )
    expect(await actorOf(`Bearer ${secret}`)).toEqual(test.actor(alice))
    expect(await actorOf(basic('anything', secret))).toEqual(test.actor(alice))
    const { body } = await get('scope=repository:open/a:pull', basic('alice', PASSWORD))
    expect(await actorOf(`bearer ${body.token}`)).toMatchObject({ name: 'alice', isAdmin: false })
    expect((await actorOf(`Bearer ${body.token}`)).tokenAccess).toHaveLength(1)
  })

  it('tells a bad token from bad credentials', async () => {
    const invalidToken = { code: 'UNAUTHORIZED', detail: { error: 'invalid_token' } }
    for (const bad of [
      'Bearer',
      'Bearer  ',
      'Bearer a.b.c',
      `Bearer ${'x'.repeat(20_000)}`,
      `Bearer swp_${'0'.repeat(40)}`,
    ]) {
      await expect(actorOf(bad)).rejects.toMatchObject(invalidToken)
    }
    for (const bad of [
      'Basic',
      'Basic !!!',
      `Basic ${btoa('no-colon')}`,
      basic('alice', 'wrong'),
      'Digest x',
      'Basic  ',
    ]) {
      await expect(actorOf(bad)).rejects.toMatchObject({ code: 'UNAUTHORIZED', detail: undefined })
    }
  })
})

describe('the published keys', () => {
  it('verify a token, and hold nothing private', async () => {
    const { body } = await get('')
    const context = {} as never // asks nothing of it
    const response = await createKeysHandler(test.auth.keys)(new Request('http://x/'), context)
    const published = (await response.json()) as Parameters<typeof createLocalJWKSet>[0]
    expect(JSON.stringify(published)).not.toContain('"d"')
    await jwtVerify(String(body.token), createLocalJWKSet(published), { audience: SERVICE, issuer: ISSUER })
  })
})
