import { afterEach, describe, expect, it } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describeOnEveryDatabase, type OpenDatabase } from '../../../tests/harness/every-database.ts'
import { pushBytes, putDocument, TestRegistry } from '../../../tests/harness/registry.ts'
import { expectProblem, TestApi } from '../../../tests/harness/test-api.ts'
import { type Actor, ANONYMOUS } from '../../core/actor.ts'

function managementContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const test = await TestRegistry.open(await open())
    opened.push(test)
    const root = test.actor(await test.user('root', { isAdmin: true }))
    return { test, root, api: new TestApi(test, root) }
  }

  describe('every route', () => {
    it('asks a stranger to sign in, and tells somebody without the right no', async () => {
      const { test, api } = await start()
      await test.repository('hidden')
      const user = test.actor(await test.user('alice', { mayCreate: false }))
      const token: Actor = { ...user, tokenAccess: [] }
      const TABLE: [method: string, path: string, body: unknown, user: [number, string] | 'ok'][] = [
        ['GET', 'user', undefined, 'ok'],
        ['GET', 'users', undefined, [403, 'DENIED']],
        ['POST', 'users', { name: 'bob', password: 'long enough' }, [403, 'DENIED']],
        ['PATCH', 'users/root', { isAdmin: false }, [403, 'DENIED']],
        ['PATCH', 'users/nobody', { isAdmin: false }, [403, 'DENIED']],
        ['PATCH', 'users/alice', { isAdmin: true }, [403, 'DENIED']],
        ['DELETE', 'users/root', undefined, [403, 'DENIED']],
        ['GET', 'teams', undefined, 'ok'],
        ['POST', 'teams', { name: 'web' }, [403, 'DENIED']],
        ['DELETE', 'teams/web', undefined, [403, 'DENIED']],
        ['PUT', 'teams/web/members/alice', undefined, [403, 'DENIED']],
        ['DELETE', 'teams/web/members/alice', undefined, [403, 'DENIED']],
        ['GET', 'tokens', undefined, 'ok'],
        ['POST', 'tokens', { name: 'ci' }, 'ok'],
        ['DELETE', 'tokens/none', undefined, [404, 'NOT_FOUND']],
        ['POST', 'repositories', { name: 'new' }, [403, 'DENIED']],
        ['GET', 'repositories/hidden', undefined, [404, 'NOT_FOUND']],
        ['PATCH', 'repositories/hidden', { visibility: 'public' }, [404, 'NOT_FOUND']],
        ['GET', 'repositories/hidden/images', undefined, [404, 'NOT_FOUND']],
        ['GET', 'repositories/hidden/grants', undefined, [404, 'NOT_FOUND']],
        ['POST', 'repositories/hidden/grants', { subjectKind: 'signed-in', role: 'reader' }, [404, 'NOT_FOUND']],
        ['DELETE', 'repositories/hidden/grants/none', undefined, [404, 'NOT_FOUND']],
        ['GET', 'image?reference=hidden/app:1', undefined, [404, 'NAME_UNKNOWN']],
        ['GET', 'advisories', undefined, 'ok'],
        ['POST', 'advisories/update', undefined, [403, 'DENIED']],
        ['GET', 'storage', undefined, [403, 'DENIED']],
        ['POST', 'storage/check', {}, [403, 'DENIED']],
      ]
      for (const [method, path, body, expected] of TABLE) {
        expectProblem(await api.ask(ANONYMOUS, method, path, body), 401, 'UNAUTHORIZED')
        const seen = await api.ask(user, method, path, body)
        if (expected === 'ok') expect([path, seen.status < 300]).toEqual([path, true])
        else expectProblem(seen, ...expected)
        if (!path.startsWith('repositories') && !path.startsWith('image')) {
          expectProblem(await api.ask(token, method, path, body), 401, 'UNAUTHORIZED')
        }
      }
    })

    it('takes nothing from a token that may only read', async () => {
      const { root, api } = await start()
      await api.must('POST', 'repositories', { name: 'demo', visibility: 'public' })
      const reading: Actor = { ...root, readOnly: true }
      for (const [method, path, body] of [
        ['POST', 'repositories', { name: 'new' }],
        ['PATCH', 'repositories/demo', { visibility: 'private' }],
        ['POST', 'repositories/demo/grants', { subjectKind: 'signed-in', role: 'reader' }],
        ['POST', 'users', { name: 'bob', password: 'long enough' }],
        ['PATCH', 'users/root', { password: 'long enough', currentPassword: 'x' }],
        ['POST', 'tokens', { name: 'ci' }],
        ['POST', 'teams', { name: 'web' }],
        ['POST', 'advisories/update', undefined],
        ['POST', 'storage/check', {}],
      ] as const) {
        expectProblem(await api.ask(reading, method, path, body), 403, 'DENIED')
      }
      expect((await api.ask(reading, 'GET', 'repositories/demo')).body.visibility).toBe('public')
    })

    it('refuses what it cannot read, and says where every mistake stands', async () => {
      const { root, api } = await start()
      const bad = (method: string, path: string, body: unknown, type?: string) =>
        api.ask(root, method, path, body, type)
      expectProblem(await bad('POST', 'repositories', '{"name":'), 400, 'INVALID')
      expectProblem(await bad('POST', 'repositories', '[]'), 400, 'INVALID')
      expectProblem(await bad('POST', 'repositories', 'name=demo', 'application/x-www-form-urlencoded'), 400, 'INVALID')
      expectProblem(await bad('POST', 'repositories', undefined), 400, 'INVALID')
      for (const name of ['', 'Demo', '../x', 'a/b', 'x'.repeat(101), 'a\u0000']) {
        const answer = await bad('POST', 'repositories', { name })
        expect([400, answer.headers.get('content-type')]).toEqual([answer.status, 'application/problem+json'])
      }
      const two = await bad('POST', 'users', { name: 'bob', password: 'short', isAdmin: 'yes', more: 1 })
      expectProblem(two, 400, 'INVALID')
      for (const word of ['password', 'isAdmin', 'more']) expect(two.body.detail).toContain(word)
      for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=1.5', `after=${'x'.repeat(501)}`]) {
        expectProblem(await bad('GET', `repositories?${query}`, undefined), 400, 'INVALID')
      }
      for (const reference of ['', 'demo', 'demo/app:1:2', '@sha256:1', 'Demo/App:1', 'demo/../x']) {
        const answer = await bad('GET', `image?reference=${encodeURIComponent(reference)}`, undefined)
        expect([reference, answer.status]).toEqual([reference, 400])
      }
      expectProblem(await bad('GET', 'nothing/here', undefined), 404, 'NOT_FOUND')
    })

    it('stands in an OpenAPI document that is good, and answers in one of the forms that it says', async () => {
      const { api } = await start()
      const { body: document } = await api.ask(ANONYMOUS, 'GET', 'openapi.json')
      expect(document.openapi).toStartWith('3.1')
      const validator = new Validator()
      expect(await validator.validate(document)).toMatchObject({ valid: true })
      const ids = new Set<string>()
      for (const [path, methods] of Object.entries<
        Record<string, { summary?: string; responses: object; tags: string[] }>
      >(document.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          const id = `${method.toUpperCase()} ${path}`
          expect([
            id,
            operation.summary !== undefined,
            operation.tags.length,
            'default' in operation.responses,
          ]).toEqual([id, true, 1, true])
          ids.add(id)
          const asked = await api.ask(ANONYMOUS, method.toUpperCase(), path.slice(1).replaceAll(/\{\w+\}/g, 'x'))
          const described = Object.keys(operation.responses)
          // whatever else happens to a stranger who sends nothing is a problem in the described form
          if (!described.includes(String(asked.status))) expectProblem(asked, asked.status, asked.body?.code)
          expect([id, asked.status]).not.toEqual([id, 500])
        }
      }
      expect(ids.size).toBeGreaterThan(20)
      for (const schema of ['Problem', 'Repository', 'Image', 'Finding', 'User', 'Grant', 'AccessToken', 'Team']) {
        expect(Object.keys(document.components.schemas)).toContain(schema)
      }
    })
  })

  describe('repositories', () => {
    it('are made once, shown and changed, and only what is sent changes', async () => {
      const { api } = await start()
      const made = await api.must('POST', 'repositories', { name: 'demo' })
      expect(made).toMatchObject({
        name: 'demo',
        visibility: 'private',
        completeness: 'index',
        policy: { mode: 'off' },
      })
      expectProblem(await api.ask(api.root, 'POST', 'repositories', { name: 'demo' }), 409, 'CONFLICT')
      const changed = await api.must('PATCH', 'repositories/demo', { policy: { mode: 'deny' } })
      expect(changed).toEqual({ ...made, policy: { ...made.policy, mode: 'deny' } })
      expect(
        await api.must('PATCH', 'repositories/demo', { visibility: 'public', policy: { onlyFixable: true } }),
      ).toEqual({
        ...made,
        visibility: 'public',
        policy: { ...made.policy, mode: 'deny', onlyFixable: true },
      })
      expect((await api.must('GET', 'repositories/demo')).policy.mode).toBe('deny')
      expectProblem(await api.ask(api.root, 'PATCH', 'repositories/none', {}), 404, 'NOT_FOUND')
    })

    it('keep both of two changes that come at once', async () => {
      const { api } = await start()
      await api.must('POST', 'repositories', { name: 'demo' })
      for (let round = 0; round < 5; round++) {
        const visibility = round % 2 === 0 ? 'public' : 'private'
        const mode = round % 2 === 0 ? 'deny' : 'warn'
        await Promise.all([
          api.must('PATCH', 'repositories/demo', { visibility }),
          api.must('PATCH', 'repositories/demo', { policy: { mode } }),
          api.must('PATCH', 'repositories/demo', { completeness: 'full' }),
        ])
        const now = await api.must('GET', 'repositories/demo')
        expect([now.visibility, now.policy.mode, now.completeness]).toEqual([visibility, mode, 'full'])
      }
    })

    it('are listed to who may see them, in whole pages while others are added', async () => {
      const { test, api } = await start()
      const alice = await test.user('alice')
      for (const name of ['a', 'c', 'e', 'g', 'i']) {
        const repository = await test.repository(name, name === 'c' ? 'internal' : 'private')
        if (name === 'g') await test.grant(repository, alice, 'reader', 'part/*')
      }
      const names = async (actor: Actor, limit: number, between?: () => Promise<void>) =>
        (await api.pages(actor, 'repositories', limit, between)).map((item) => (item as { name: string }).name)
      for (const limit of [1, 2, 5, 9]) {
        expect(await names(api.root, limit)).toEqual(['a', 'c', 'e', 'g', 'i'])
        expect(await names(test.actor(alice), limit)).toEqual(['c', 'g'])
        expect(await names(ANONYMOUS, limit)).toEqual([])
      }
      let added = 0
      const seen = await names(api.root, 1, async () => {
        if (added < 6) await test.repository(['b', 'z', 'aa', 'zz', 'd', 'zzz'][added++]!)
      })
      expect(new Set(seen).size).toBe(seen.length)
      for (const name of ['a', 'c', 'e', 'g', 'i', 'z', 'zz', 'zzz']) expect(seen).toContain(name)
    })
  })

  describe('images', () => {
    const INDEX = 'application/vnd.oci.image.index.v1+json'
    const push = async (test: TestRegistry, name: string) => {
      const text = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { name } })
      const content = { mediaType: INDEX, bytes: new TextEncoder().encode(text) }
      return putDocument(await test.push(name), content, { tags: ['1', 'latest'] })
    }

    it('are listed as far as one may pull them', async () => {
      const { test, api } = await start()
      const demo = await test.repository('demo')
      const other = await test.repository('demo-2', 'public')
      const alice = await test.user('alice')
      await test.grant(demo, alice, 'reader', 'b*')
      for (const name of ['a', 'b', 'b/deep', 'bb', 'c']) await push(test, `demo/${name}`)
      await push(test, `${other.name}/x`)
      await pushBytes(await test.push('demo/unfinished'), new Uint8Array(3))
      for (const limit of [1, 2, 9]) {
        const names = async (actor: Actor) =>
          (await api.pages(actor, 'repositories/demo/images', limit)).map((item) => (item as { name: string }).name)
        expect(await names(api.root)).toEqual(['a', 'b', 'b/deep', 'bb', 'c'])
        expect(await names(test.actor(alice))).toEqual(['b', 'bb'])
      }
    })

    it('are shown by tag, by digest and by "latest"', async () => {
      const { test, api } = await start()
      await test.repository('demo')
      const digest = await push(test, 'demo/app')
      for (const reference of ['demo/app', 'demo/app:1', `demo/app@${digest}`, `demo/app:1@${digest}`]) {
        const shown = await api.must('GET', `image?reference=${encodeURIComponent(reference)}`)
        expect(shown).toMatchObject({ name: 'demo/app', digest, tags: ['1', 'latest'], scan: { status: 'exempt' } })
      }
      expectProblem(await api.ask(api.root, 'GET', 'image?reference=demo/app:2'), 404, 'MANIFEST_UNKNOWN')
      expectProblem(await api.ask(api.root, 'GET', 'image?reference=demo/none:1'), 404, 'MANIFEST_UNKNOWN')
      expectProblem(
        await api.ask(api.root, 'GET', 'image?reference=demo/app:1&platform=linux/none'),
        404,
        'MANIFEST_UNKNOWN',
      )
    })
  })

  describe('users, teams and grants', () => {
    it('are made, given, changed and taken away, and act at once', async () => {
      const { test, api } = await start()
      const password = 'a long password'
      const made = await api.must('POST', 'users', { name: 'alice', password })
      expect(made).toMatchObject({ name: 'alice', isAdmin: false, isDisabled: false, mayCreateRepositories: true })
      expect(JSON.stringify(made)).not.toContain('assword')
      expectProblem(await api.ask(api.root, 'POST', 'users', { name: 'alice', password }), 409, 'CONFLICT')
      const alice: Actor = { kind: 'user', id: made.id, name: 'alice', isAdmin: false }
      await api.must('POST', 'repositories', { name: 'demo' })
      await api.must('POST', 'teams', { name: 'web' })
      expectProblem(await api.ask(api.root, 'POST', 'teams', { name: 'web' }), 409, 'CONFLICT')
      const sees = async () => (await api.ask(alice, 'GET', 'repositories/demo')).status
      expect(await sees()).toBe(404)
      const grant = await api.must('POST', 'repositories/demo/grants', {
        subjectKind: 'team',
        subject: 'web',
        role: 'reader',
      })
      expect(grant).toMatchObject({ images: '**', subjectKind: 'team', subject: 'web', role: 'reader' })
      expect(await sees()).toBe(404)
      await api.must('PUT', 'teams/web/members/alice')
      expect(await sees()).toBe(200)
      await api.must('PUT', 'teams/web/members/alice')
      await api.must('DELETE', 'teams/web/members/alice')
      expect(await sees()).toBe(404)
      await api.must('PUT', 'teams/web/members/alice')
      await api.must('DELETE', `repositories/demo/grants/${grant.id}`)
      expect(await sees()).toBe(404)
      expectProblem(await api.ask(api.root, 'DELETE', `repositories/demo/grants/${grant.id}`), 404, 'NOT_FOUND')
      const own = await api.must('POST', 'repositories/demo/grants', {
        subjectKind: 'user',
        subject: 'alice',
        role: 'admin',
      })
      const given = await api.ask(alice, 'POST', 'repositories/demo/grants', {
        images: 'x/*',
        subjectKind: 'signed-in',
        role: 'writer',
      })
      expect([own.subject, given.status, given.body.subject]).toEqual(['alice', 201, null])
      const listed = await api.pages(alice, 'repositories/demo/grants', 1)
      expect(listed.length).toBe(3)
      for (const path of ['users/none', 'teams/none', 'teams/web/members/none', 'teams/none/members/alice']) {
        expectProblem(await api.ask(api.root, 'DELETE', path), 404, 'NOT_FOUND')
      }
      await api.must('DELETE', 'teams/web')
      await api.must('DELETE', 'users/alice')
      expect((await api.pages(api.root, 'repositories/demo/grants', 5)).length).toBe(2)
      expect((await test.db.all`select id from users`).length).toBe(1)
    })

    it('refuse a grant that could mean nothing', async () => {
      const { api } = await start()
      await api.must('POST', 'repositories', { name: 'demo' })
      for (const wish of [
        { subjectKind: 'user', role: 'reader' },
        { subjectKind: 'user', subject: 'nobody', role: 'reader' },
        { subjectKind: 'anonymous', subject: 'bob', role: 'reader' },
        { subjectKind: 'anonymous', role: 'admin' },
        { subjectKind: 'signed-in', role: 'owner' },
        { subjectKind: 'signed-in', role: 'reader', images: 'a//b' },
      ]) {
        expectProblem(await api.ask(api.root, 'POST', 'repositories/demo/grants', wish), 400, 'INVALID')
      }
    })

    it('leave an administrator, and let nobody take an account over with a stolen token', async () => {
      const { api } = await start()
      for (const change of [{ isAdmin: false }, { isDisabled: true }]) {
        expectProblem(await api.ask(api.root, 'PATCH', 'users/root', change), 409, 'CONFLICT')
      }
      expectProblem(await api.ask(api.root, 'DELETE', 'users/root'), 409, 'CONFLICT')
      await api.must('POST', 'users', { name: 'alice', password: 'a long password' })
      const { id } = (await api.pages(api.root, 'users', 9)).find(
        (user) => (user as { name: string }).name === 'alice',
      ) as { id: string }
      const alice: Actor = { kind: 'user', id, name: 'alice', isAdmin: false }
      const change = (body: object) => api.ask(alice, 'PATCH', 'users/alice', body)
      expectProblem(await change({ password: 'another long one' }), 403, 'DENIED')
      expectProblem(await change({ password: 'another long one', currentPassword: 'wrong' }), 403, 'DENIED')
      expect((await change({ password: 'another long one', currentPassword: 'a long password' })).status).toBe(200)
      expect((await api.must('PATCH', 'users/alice', { isDisabled: true })).isDisabled).toBe(true)
    })
  })

  describe('access tokens', () => {
    it('show their secret once, belong to one user and end when they are told to', async () => {
      const { test, api } = await start()
      const alice = test.actor(await test.user('alice'))
      const made = await api.ask(alice, 'POST', 'tokens', { name: 'ci', readOnly: true, expiresInDays: 3 })
      expect(made.body).toMatchObject({ name: 'ci', readOnly: true, lastUsedAt: null })
      expect(Date.parse(made.body.expiresAt) - Date.parse(made.body.createdAt)).toBe(3 * 86_400_000)
      for (let n = 0; n < 4; n++) await api.ask(alice, 'POST', 'tokens', { name: `n${n}` })
      for (const limit of [1, 2, 9]) expect((await api.pages(alice, 'tokens', limit)).length).toBe(5)
      expect(JSON.stringify(await api.pages(alice, 'tokens', 9))).not.toContain(made.body.secret)
      expect(await api.pages(api.root, 'tokens', 9)).toEqual([])
      expectProblem(await api.ask(api.root, 'DELETE', `tokens/${made.body.id}`), 404, 'NOT_FOUND')
      expect((await api.ask(alice, 'DELETE', `tokens/${made.body.id}`)).status).toBe(204)
      for (const limit of [1, 9]) expect((await api.pages(alice, 'tokens', limit)).length).toBe(4)
      expectProblem(await api.ask(alice, 'DELETE', `tokens/${made.body.id}`), 404, 'NOT_FOUND')
    })
  })
}

describeOnEveryDatabase('the management API', managementContract)
