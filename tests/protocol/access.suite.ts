import { describe, expect, it } from 'bun:test'
import type { Visibility } from '../../src/core/repository.ts'
import { expectBytes, expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { type Answer, jsonOf, parseChallenge, RegistryClient, textOf } from './registry-client.ts'
import { blob, type Content, image, index } from './samples.ts'
import { pushBlob } from './uploads.ts'

const DIGEST = blob(5).digest

/** The scope of the token that each request needs (distribution "token authentication", actions by method). */
const SCOPES = [
  ['GET', 'manifests/v1', 'pull'],
  ['HEAD', 'manifests/v1', 'pull'],
  ['PUT', 'manifests/v1', 'pull,push'],
  ['DELETE', 'manifests/v1', 'delete'],
  ['GET', `blobs/${DIGEST}`, 'pull'],
  ['HEAD', `blobs/${DIGEST}`, 'pull'],
  ['DELETE', `blobs/${DIGEST}`, 'delete'],
  ['GET', 'tags/list', 'pull'],
  ['GET', `referrers/${DIGEST}`, 'pull'],
  ['POST', 'blobs/uploads/', 'pull,push'],
  ['PATCH', `blobs/uploads/${crypto.randomUUID()}`, 'pull,push'],
  ['PUT', `blobs/uploads/${crypto.randomUUID()}?digest=${DIGEST}`, 'pull,push'],
  ['GET', `blobs/uploads/${crypto.randomUUID()}`, 'pull,push'],
  ['DELETE', `blobs/uploads/${crypto.randomUUID()}`, 'pull,push'],
] as const

interface Person {
  readonly name: string
  readonly client: RegistryClient
}

/** A repository of one visibility with one image in it, and everybody who may come to it. */
interface Scene {
  readonly name: string
  readonly manifest: Content
  readonly layer: Content
}

async function makeScene(ground: Ground, visibility: Visibility): Promise<Scene> {
  const repository = `${visibility}-${crypto.randomUUID().slice(0, 8)}`
  await ground.administration.createRepository(repository, { visibility })
  const made = await image()
  const name = `${repository}/app`
  const push = new ImageClient(ground.admin, name)
  for (const one of made.blobs) await pushBlob(push, one.bytes, one.digest)
  expectStatus(await push.putManifest('v1', made.manifest), 201)
  return { name, manifest: made.manifest, layer: made.layers[0] ?? made.config }
}

async function makePerson(
  ground: Ground,
  grants: readonly [role: 'reader' | 'writer' | 'maintainer', pattern: string][],
) {
  const name = `user-${crypto.randomUUID().slice(0, 8)}`
  const password = `secret-${crypto.randomUUID()}`
  await ground.administration.createUser(name, password)
  for (const [role, pattern] of grants) await ground.administration.grant(name, role, pattern)
  return { name, client: new RegistryClient(ground.server.url, { user: name, password }) } satisfies Person
}

function challenges(ground: Ground): void {
  it('at the base is asked to sign in, and let in when it has', async () => {
    const stranger = await ground.admin.askBare('GET', '/v2/')
    expectRefusal(stranger, 401, 'UNAUTHORIZED')
    const { scheme, parameters } = parseChallenge(stranger.headers.get('www-authenticate') ?? '')
    expect(scheme).toBe('Bearer')
    expect(new URL(parameters.realm ?? '').protocol).toBe('http:')
    expect(parameters.service).toBeTruthy()
    expect(parameters.scope).toBeUndefined()
    const known = await ground.admin.ask('GET', '/v2/')
    expectStatus(known, 200)
    expect(textOf(known)).toBe('{}')
    for (const answer of [stranger, known]) {
      expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    }
  })

  it.each(SCOPES)('%s %s is told the scope %s', async (method, path, actions) => {
    const answer = await ground.admin.askBare(method, `/v2/nowhere/app/${path}`)
    expectStatus(answer, 401)
    const { parameters } = parseChallenge(answer.headers.get('www-authenticate') ?? '')
    expect(parameters.scope).toBe(`repository:nowhere/app:${actions}`)
  })

  it('for the catalogue is told its scope', async () => {
    const answer = await ground.admin.askBare('GET', '/v2/_catalog')
    expectStatus(answer, 401)
    expect(parseChallenge(answer.headers.get('www-authenticate') ?? '').parameters.scope).toBe('registry:catalog:*')
  })

  it.each([
    'Basic',
    'Basic !!!',
    `Basic ${btoa('no-colon')}`,
    `Basic ${btoa('admin:wrong')}`,
    'Digest x',
    'Bearer',
    'Bearer  ',
    'Bearer a.b.c',
    `Bearer ${'x'.repeat(20_000)}`,
  ])('with the credentials "%p" is refused, never a fault', async (authorization) => {
    const answer = await ground.admin.askBare('GET', '/v2/', { headers: { authorization } })
    expect([401, 431]).toContain(answer.status)
    if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toContain('realm=')
  })
}

/** An answer without what must differ: names, ids and times. */
function shape(answer: Answer, name: string): object {
  const passing = ['date', 'x-request-id', 'content-length', 'ratelimit-remaining']
  const headers = [...answer.headers].filter(([key]) => !passing.includes(key))
  return { status: answer.status, text: `${JSON.stringify(headers)}${textOf(answer)}`.replaceAll(name, 'NAME') }
}

function secrecy(ground: Ground): void {
  it('is told the same of a private repository as of one that is not there', async () => {
    const hidden = await makeScene(ground, 'private')
    const missing = 'missing-repository/app'
    const stranger = await makePerson(ground, [])
    const ask = async (client: RegistryClient, name: string, method: string, path: string, basic: boolean) => {
      const { credentials } = client
      const sign = basic && credentials !== null && 'user' in credentials
      const headers = sign ? { authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` } : {}
      return shape(await client.askBare(method, `/v2/${name}/${path}`, { headers }), name)
    }
    for (const [method, path] of SCOPES) {
      if (/uploads|PUT/.test(`${method} ${path}`)) continue // who may create repositories sees whether a name is free
      const paths = [path.replace(DIGEST, hidden.layer.digest), path.replace('v1', hidden.manifest.digest), path]
      for (const one of paths) {
        for (const basic of [true, false]) {
          const seen = await ask(stranger.client, hidden.name, method, one, basic)
          expect(seen).toEqual(await ask(stranger.client, missing, method, one, basic))
        }
      }
    }
    const listed = jsonOf<{ repositories: string[] }>(await stranger.client.ask('GET', '/v2/_catalog'))
    expect(listed.repositories).not.toContain(hidden.name)
  })

  it('cannot mount a blob out of what it may not read, named or not', async () => {
    const hidden = await makeScene(ground, 'private')
    const own = await makeScene(ground, 'private')
    const writer = await makePerson(ground, [['writer', own.name]])
    const mine = new ImageClient(writer.client, own.name)
    const sources: [string, string][][] = [[['from', hidden.name]], []]
    for (const from of sources) {
      const answer = await mine.postUpload([['mount', hidden.layer.digest], ...from])
      expectStatus(answer, 202)
      expectStatus(await mine.blob('HEAD', hidden.layer.digest), 404)
    }
    expectRefusal(await mine.putManifest('stolen', hidden.manifest), 400, 'MANIFEST_BLOB_UNKNOWN')
  })
}

function roles(ground: Ground): void {
  it('may do by its role, and no more', async () => {
    const scene = await makeScene(ground, 'private')
    const pattern = scene.name
    const table = [
      { person: await makePerson(ground, [['reader', pattern]]), push: false, remove: false },
      { person: await makePerson(ground, [['writer', pattern]]), push: true, remove: false },
      { person: await makePerson(ground, [['maintainer', pattern]]), push: true, remove: true },
    ]
    for (const { person, push, remove } of table) {
      const app = new ImageClient(person.client, scene.name)
      expectContentHeaders(await app.manifest('GET', 'v1'), scene.manifest)
      expectBytes((await app.blob('GET', scene.layer.digest)).bytes, scene.layer.bytes)
      const other = index([], 'sha256', { annotations: { by: person.name } })
      const pushed = await app.putManifest(`by-${person.name}`, other)
      expectStatus(pushed, push ? 201 : 401)
      expectStatus(await app.manifest('DELETE', push ? other.digest : 'v1'), remove ? 202 : 401)
      const neighbour = new ImageClient(person.client, scene.name.replace('/app', '/other'))
      expect([401, 404]).toContain((await neighbour.manifest('GET', 'v1')).status)
    }
  })

  it('is shown by visibility: public to all, internal to who is signed in, private to nobody else', async () => {
    const table: [Visibility, stranger: boolean, user: boolean][] = [
      ['public', true, true],
      ['internal', false, true],
      ['private', false, false],
    ]
    const user = await makePerson(ground, [])
    for (const [visibility, forStranger, forUser] of table) {
      const scene = await makeScene(ground, visibility)
      const nobody = new ImageClient(new RegistryClient(ground.server.url, null), scene.name)
      expectStatus(await nobody.manifest('GET', 'v1'), forStranger ? 200 : 401)
      expectStatus(await nobody.blob('GET', scene.layer.digest), forStranger ? 200 : 401)
      expectStatus(await nobody.postUpload(), 401)
      const somebody = new ImageClient(user.client, scene.name)
      expect((await somebody.manifest('GET', 'v1')).status === 200).toBe(forUser)
      expect([401, 403, 404]).toContain((await somebody.postUpload()).status)
      const listed = jsonOf<{ repositories: string[] }>(await user.client.ask('GET', '/v2/_catalog')).repositories
      expect(listed.includes(scene.name)).toBe(forUser)
    }
  })

  it('with basic credentials is told 403 where it sees but may not, for no other password will help', async () => {
    const scene = await makeScene(ground, 'private')
    const reader = await makePerson(ground, [['reader', scene.name]])
    const { credentials } = reader.client
    if (credentials === null || 'bearer' in credentials) throw new Error('a person has a password')
    const headers = { authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` }
    const bare = (method: string, path: string) =>
      reader.client.askBare(method, `/v2/${scene.name}/${path}`, { headers })
    expectStatus(await bare('GET', 'manifests/v1'), 200)
    expectRefusal(await bare('POST', 'blobs/uploads/'), 403, 'DENIED')
    expectRefusal(await bare('DELETE', 'manifests/v1'), 403, 'DENIED')
  })
}

/** Who may do what, and what the others are told. */
export function accessSuite(ground: Ground): void {
  describe('a request', () => {
    challenges(ground)
  })
  describe('somebody', () => {
    secrecy(ground)
    roles(ground)
  })
}
