import { describe, expect, it } from 'bun:test'
import { expectBytes, expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { jsonOf, textOf } from './registry-client.ts'
import { artifact, type Descriptor, descriptorOf, image, index, type SampleImage } from './samples.ts'
import { pushBlob } from './uploads.ts'

const SIGNATURE = 'application/vnd.example.signature'
const DIGEST = `sha256:${'0'.repeat(64)}`

/** An answer of the management API. */
interface ApiAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

type Api = (method: string, path: string, body?: object) => Promise<ApiAnswer>

function apiOf(url: string, user: { name: string; password: string } | null): Api {
  return async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(user && { authorization: `Basic ${btoa(`${user.name}:${user.password}`)}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    // The tests say what they expect in it.
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
}

async function push({ push: to }: Place, made: SampleImage, ...tags: string[]): Promise<SampleImage> {
  for (const one of made.blobs) await pushBlob(to, one.bytes, one.digest)
  expectStatus(await to.putManifest(made.manifest.digest, made.manifest, tags), 201)
  return made
}

async function referrers({ pull }: Place, subject: string): Promise<string[]> {
  const answer = await pull.referrers(subject)
  expectStatus(answer, 200)
  return jsonOf<{ manifests: Descriptor[] }>(answer).manifests.map(({ digest }) => digest)
}

function comingBack(ground: Ground, admin: () => Api): void {
  it('is gone at once with its referrers, and comes back to the byte', async () => {
    const place = ground.place()
    const base = await push(place, await image(), 'v1', 'v2')
    const fields = { subject: descriptorOf(base.manifest) }
    const signature = await push(place, await artifact(SIGNATURE, { fields }))
    const tag = `${base.manifest.digest.replace(':', '-')}.sig`
    const old = await push(place, await artifact(SIGNATURE), tag)
    expectStatus(await place.push.manifest('DELETE', base.manifest.digest), 202)
    const references = ['v1', 'v2', tag, ...[base, signature, old].map(({ manifest }) => manifest.digest)]
    for (const reference of references) {
      expectRefusal(await place.pull.manifest('GET', reference), 404, 'MANIFEST_UNKNOWN')
      expectRefusal(await place.push.manifest('DELETE', reference), 404, 'MANIFEST_UNKNOWN')
    }
    expect(await referrers(place, base.manifest.digest)).toEqual([])
    const listed = await admin()('GET', `images/deletions?reference=${place.push.name}`)
    expect(listed.body).toMatchObject({
      items: [{ reason: 'request', deletedBy: 'admin', manifests: [{ digest: base.manifest.digest }, {}, {}] }],
    })
    const { status, body } = await admin()('POST', 'images/undelete', { reference: `${place.push.name}:v2` })
    expect([status, body]).toMatchObject([200, { manifestCount: 3, tagCount: 3, elsewhere: [], stray: [] }])
    for (const made of [base, signature, old]) {
      const answer = await place.pull.manifest('GET', made.manifest.digest)
      expectBytes(answer.bytes, made.manifest.bytes)
      for (const one of made.blobs) expectBytes((await place.pull.blob('GET', one.digest)).bytes, one.bytes)
    }
    expectContentHeaders(await place.pull.manifest('HEAD', 'v1'), base.manifest)
    expectContentHeaders(await place.pull.manifest('HEAD', tag), old.manifest)
    expect(await referrers(place, base.manifest.digest)).toEqual([signature.manifest.digest])
  })

  it('can be pushed again, and then the older tags come back beside it', async () => {
    const place = ground.place()
    const made = await push(place, await image(), 'old', 'moved')
    const other = await push(place, await image(), 'other')
    expectStatus(await place.push.manifest('DELETE', made.manifest.digest), 202)
    await push(place, made, 'new')
    expectStatus(await place.push.putManifest('moved', other.manifest), 201)
    const { body } = await admin()('POST', 'images/undelete', { reference: `${place.push.name}:old` })
    expect(body).toEqual({
      name: place.push.name,
      manifests: [],
      manifestCount: 0,
      tags: ['old'],
      tagCount: 1,
      elsewhere: [{ tag: 'moved', was: made.manifest.digest, digest: other.manifest.digest }],
      stray: [],
    })
    expectContentHeaders(await place.pull.manifest('HEAD', 'old'), made.manifest)
    expectContentHeaders(await place.pull.manifest('HEAD', 'moved'), other.manifest)
  })

  it('that is purged does not come back', async () => {
    const place = ground.place()
    const made = await push(place, await image(), 'v1')
    const { name } = place.push
    expectStatus(await place.push.manifest('DELETE', 'v1'), 202)
    expectStatus(await place.push.manifest('DELETE', made.manifest.digest), 202)
    expect(await admin()('POST', 'images/purge', { reference: `${name}@${made.manifest.digest}` })).toEqual({
      status: 200,
      body: { name, deletions: 1 },
    })
    const stray = await admin()('POST', 'images/undelete', { reference: `${name}:v1` })
    expect([stray.status, stray.body.code]).toEqual([409, 'CONFLICT'])
    expect((await admin()('POST', 'images/purge', { reference: name })).body).toEqual({ name, deletions: 1 })
    const gone = await admin()('POST', 'images/undelete', { reference: `${name}:v1` })
    expect([gone.status, gone.body.code]).toEqual([404, 'NOT_FOUND'])
    expect((await admin()('GET', `images/deletions?reference=${name}`)).body).toEqual({ items: [] })
  })

  it('whose blobs were deleted too does not come back, and says which', async () => {
    const place = ground.place()
    const made = await push(place, await image(), 'v1')
    expectStatus(await place.push.manifest('DELETE', made.manifest.digest), 202)
    for (const one of made.blobs) expectStatus(await place.push.blob('DELETE', one.digest), 202)
    const { status, body } = await admin()('POST', 'images/undelete', { reference: `${place.push.name}:v1` })
    expect([status, body.code]).toEqual([409, 'CONFLICT'])
    expect(String(body.detail)).toContain('sha256:')
  })
}

function tagTests(ground: Ground, admin: () => Api): void {
  it('has a history, and moves back to what it had', async () => {
    const place = ground.place()
    const [first, second] = [await push(place, await image(), 'v1'), await push(place, await image(), 'v1')]
    const { name } = place.push
    expectStatus(await place.push.manifest('DELETE', first.manifest.digest), 202)
    expectStatus(await place.push.manifest('DELETE', 'v1'), 202)
    const move = { reference: `${name}:v1`, digest: first.manifest.digest }
    const moved = await admin()('POST', 'images/tags', move)
    expect([moved.status, moved.body]).toMatchObject([200, { name, tag: 'v1', restored: { manifestCount: 1 } }])
    expectContentHeaders(await place.pull.manifest('HEAD', 'v1'), first.manifest)
    const page = await admin()('GET', `images/history?reference=${name}:v1&limit=3`)
    expect(page.body).toMatchObject({
      items: [
        { digest: first.manifest.digest, changedBy: 'admin' },
        { digest: null },
        { digest: second.manifest.digest },
      ],
    })
    const rest = await admin()('GET', `images/history?reference=${name}:v1&after=${page.body.next}`)
    expect(rest.body).toMatchObject({ items: [{ digest: first.manifest.digest }] })
    const absent = await admin()('POST', 'images/tags', { ...move, digest: DIGEST })
    expect([absent.status, absent.body.code]).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  it('that is immutable is set once: the refusal says which tag and which pattern', async () => {
    const name = `fixed-${crypto.randomUUID().slice(0, 8)}`
    await ground.administration.createRepository(name)
    const changed = await admin()('PATCH', `repositories/${name}`, { immutableTags: ['v*', '1.*'] })
    expect(changed.status).toBe(200)
    const app = new ImageClient(ground.admin, `${name}/app`)
    const place = { push: app, pull: app }
    const [one, two] = [await push(place, await image(), 'v1', 'free'), await push(place, await image(), 'free')]
    expectStatus(await app.putManifest('v1', one.manifest), 201)
    const refusals = [
      await app.putManifest('v1', two.manifest),
      await app.putManifest('v1', two.manifest, [], { 'if-match': `"${one.manifest.digest}"` }),
      await app.putManifest('v1', two.manifest, [], { 'if-match': '*' }),
      await app.putManifest(two.manifest.digest, two.manifest, ['free2', 'v1']),
      await app.manifest('DELETE', 'v1'),
      await app.manifest('DELETE', one.manifest.digest),
    ]
    for (const refusal of refusals) {
      expectRefusal(refusal, 403, 'DENIED')
      expect(textOf(refusal)).toContain('the tag \\"v1\\" is immutable')
      expect(textOf(refusal)).toContain('pattern \\"v*\\"')
    }
    const moved = await admin()('POST', 'images/tags', { reference: `${name}/app:v1`, digest: two.manifest.digest })
    expect([moved.status, moved.body.code]).toEqual([403, 'TAG_IMMUTABLE'])
    expectContentHeaders(await app.manifest('HEAD', 'v1'), one.manifest)
    expectStatus(await app.manifest('HEAD', 'free2'), 404)
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        app.putManifest('1.0', index([], 'sha256', { annotations: { at: `${at}` } })),
      ),
    )
    expect(codes.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(403)])
  })
}

const CALLS: readonly [method: string, path: string, right: 'pull' | 'push' | 'delete', body: object | null][] = [
  ['GET', 'images/deletions?reference=NAME', 'pull', null],
  ['GET', 'images/history?reference=NAME:v1', 'pull', null],
  ['POST', 'images/tags', 'push', { reference: 'NAME:v1', digest: DIGEST }],
  ['POST', 'images/undelete', 'delete', { reference: 'NAME:v1' }],
  ['POST', 'images/purge', 'delete', { reference: 'NAME' }],
]

function rightsTests(ground: Ground): void {
  it.each(CALLS)('is kept from who may not: %s %s needs %s', async (method, path, right, body) => {
    const name = `rights-${crypto.randomUUID().slice(0, 8)}`
    await ground.administration.createRepository(name)
    const app = new ImageClient(ground.admin, `${name}/app`)
    const made = await push({ push: app, pull: app }, await image(), 'v1')
    expectStatus(await app.manifest('DELETE', 'v1'), 202)
    expectStatus(await app.manifest('DELETE', made.manifest.digest), 202)
    const call = async (who: { name: string; password: string } | null, image: string) => {
      const filled =
        body && JSON.parse(JSON.stringify(body).replace('NAME', image).replace(DIGEST, made.manifest.digest))
      const answer = await apiOf(ground.server.url, who)(method, path.replace('NAME', image), filled)
      const { requestId: _, about: __, detail: ___, ...said } = answer.body
      return { ...answer, body: said }
    }
    const people = { nobody: 'none', reader: 'reader', writer: 'writer', maintainer: 'maintainer' } as const
    const seen: Record<string, number> = {}
    for (const [person, role] of Object.entries(people)) {
      const who = { name: `${person}-${name}`, password: 'a good password' }
      await ground.administration.createUser(who.name, who.password)
      if (role !== 'none') await ground.administration.grant(who.name, role, `${name}/**`)
      const answer = await call(who, `${name}/app`)
      seen[person] = answer.status
      if (role === 'none') expect(answer).toEqual(await call(who, 'absent-everywhere/app'))
    }
    const may = { pull: 1, push: 2, delete: 3 }[right]
    const expected = ['nobody', 'reader', 'writer', 'maintainer'].map((person, rank) => [
      person,
      person === 'nobody' ? 404 : rank >= may ? 200 : 403,
    ])
    expect(seen).toEqual(Object.fromEntries(expected))
    const stranger = await call(null, `${name}/app`)
    expect(stranger).toEqual(await call(null, 'absent-everywhere/app'))
    expect(stranger.status).toBe(401)
  })
}

/** Deleting, and everything that it does not lose. */
export function deletionSuite(ground: Ground): void {
  const admin = () => apiOf(ground.server.url, { name: 'admin', password: ground.server.adminPassword })
  describe('what is deleted', () => comingBack(ground, admin))
  describe('a tag', () => tagTests(ground, admin))
  describe('the past of an image', () => rightsTests(ground))
}
