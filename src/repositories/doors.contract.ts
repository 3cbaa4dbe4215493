import { afterEach, describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { failureCode } from '../../tests/harness/failure-code.ts'
import { pushBytes, putDocument, TestRegistry, type TestRegistryOptions } from '../../tests/harness/registry.ts'
import { removeGrant } from '../auth/grant.ts'
import { savePackage } from '../catalog/packages.ts'
import { type Actor, ANONYMOUS } from '../core/actor.ts'
import { digestOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { DEFAULT_SETTINGS, VISIBILITIES, type Visibility } from '../core/repository.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

/** A manifest that needs no blob, so that a package holds something. */
function emptyIndex(mark: string) {
  const json = { schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { mark } }
  return { mediaType: INDEX, bytes: new TextEncoder().encode(JSON.stringify(json)) }
}

function withToken(actor: Actor, ...access: [name: string, ...actions: string[]][]): Actor {
  return { ...actor, tokenAccess: access.map(([name, ...actions]) => ({ type: 'repository', name, actions })) }
}

/** Everything that a client is told of a failure. */
async function told(promise: Promise<unknown>, name: string): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof RegistryError)) return `no RegistryError: ${error}`
  return JSON.stringify([error.status, error.code, error.message, error.detail]).replaceAll(name, 'NAME')
}

/** Permission is how one gets a package. */
export function doorsContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (options: TestRegistryOptions = {}) => {
    const test = await TestRegistry.open(await open(), options)
    opened.push(test)
    return test
  }

  /** A repository of each visibility, and everybody who may come to it. */
  const cast = async (test: TestRegistry) => {
    const people = new Map<string, Actor>([['stranger', ANONYMOUS]])
    const repositories = new Map<Visibility, Awaited<ReturnType<TestRegistry['repository']>>>()
    for (const visibility of VISIBILITIES) repositories.set(visibility, await test.repository(visibility, visibility))
    for (const role of ['reader', 'writer', 'maintainer', 'admin'] as const) {
      const user = await test.user(role, { mayCreate: false })
      for (const repository of repositories.values()) await test.grant(repository, user, role)
      people.set(role, test.actor(user))
    }
    const writer = people.get('writer')!
    people.set('user', test.actor(await test.user('user', { mayCreate: false })))
    people.set('root', test.actor(await test.user('root', { isAdmin: true })))
    people.set('read-only writer', { ...writer, readOnly: true })
    people.set('read-only root', { ...people.get('root')!, readOnly: true })
    for (const visibility of VISIBILITIES) {
      people.set(`pull token ${visibility}`, withToken(writer, [`${visibility}/app`, 'pull']))
    }
    people.set('token elsewhere', withToken(people.get('root')!, ['other/app', 'pull', 'push', 'delete']))
    return people
  }

  describe('a door', () => {
    it('opens by visibility and role, to pull, to push and to delete', async () => {
      const test = await start()
      const people = await cast(test)
      // what each of the three doors answers at a private, an internal and a public repository
      const open3 = 'ok ok ok'
      const TABLE: Record<string, [pull: string, push: string, remove: string]> = {
        stranger: ['401 401 ok', '401 401 401', '401 401 401'],
        user: ['404 ok ok', '404 403 403', '404 403 403'],
        reader: [open3, '403 403 403', '403 403 403'],
        writer: [open3, open3, '403 403 403'],
        maintainer: [open3, open3, open3],
        admin: [open3, open3, open3],
        root: [open3, open3, open3],
        'read-only writer': [open3, '403 403 403', '403 403 403'],
        'read-only root': [open3, '403 403 403', '403 403 403'],
        'pull token private': ['ok 401 401', '401 401 401', '401 401 401'],
        'pull token public': ['401 401 ok', '401 401 401', '401 401 401'],
        'token elsewhere': ['401 401 401', '401 401 401', '401 401 401'],
      }
      const answer = (promise: Promise<unknown>) =>
        promise.then(
          () => 'ok',
          (error) => String(error.status),
        )
      for (const [who, expected] of Object.entries(TABLE)) {
        const actor = people.get(who)!
        const ask = async (door: 'toPull' | 'toPush' | 'toDelete') => {
          const answers = VISIBILITIES.map((name) => answer(test.registry[door](actor, test.name(`${name}/app`))))
          return (await Promise.all(answers)).join(' ')
        }
        const seen = [await ask('toPull'), await ask('toPush'), await ask('toDelete')]
        expect([who, ...seen]).toEqual([who, ...expected])
      }
    })

    it('says the same of a private repository as of one that is not there', async () => {
      const test = await start({ createOnPush: 'nobody' })
      const people = await cast(test)
      const user = people.get('user')!
      const strangers = [ANONYMOUS, user, { ...user, readOnly: true } as const]
      const tokens = (name: string) => [
        withToken(user),
        withToken(user, [name, 'pull', 'push', 'delete']),
        withToken(ANONYMOUS),
        people.get('token elsewhere')!,
      ]
      const [hidden, missing] = ['private/app', 'missing/app']
      for (const door of ['toPull', 'toPush', 'toResume', 'toDelete', 'toInspect'] as const) {
        const at = (name: string) =>
          Promise.all(
            [...strangers, ...(name === hidden ? tokens('x/y') : tokens('x/y'))].map((actor) =>
              told(test.registry[door](actor, test.name(name)), name),
            ),
          )
        expect(await at(hidden)).toEqual(await at(missing))
      }
      // a token that speaks of a repository which has gone since gets the plain answer, not one more challenge
      const gone = withToken(user, [missing, 'pull'])
      expect(await failureCode(test.registry.toPull(gone, test.name(missing)))).toBe('NAME_UNKNOWN')
    })

    it('follows the pattern of a grant, image by image', async () => {
      const test = await start()
      const repository = await test.repository('demo')
      const user = await test.user('alice', { mayCreate: false })
      await test.grant(repository, user, 'writer', 'web/*')
      const push = (name: string) => failureCode(test.push(name, test.actor(user)))
      expect(await push('demo/web/shop')).toBe('no error')
      for (const name of ['demo/web', 'demo/web/shop/deep', 'demo/webs/shop'])
        expect(await push(name)).toBe('NAME_UNKNOWN')
    })

    it('opens and shuts at once when a grant or a visibility is changed in this process', async () => {
      const test = await start()
      const repository = await test.repository('demo')
      const user = await test.user('alice')
      const pull = () => failureCode(test.registry.toPull(test.actor(user), test.name('demo/app')))
      for (let turn = 0; turn < 3; turn++) {
        expect(await pull()).toBe('NAME_UNKNOWN')
        const id = await test.grant(repository, user, 'reader')
        expect(await pull()).toBe('no error')
        await test.db.transaction((tx) => removeGrant(tx, repository.id, id))
        test.auth.auth.permissions.forgetGrants(repository.id)
        expect(await pull()).toBe('NAME_UNKNOWN')
        await test.change('demo', DEFAULT_SETTINGS, 'internal')
        expect(await pull()).toBe('no error')
        await test.change('demo', DEFAULT_SETTINGS, 'private')
      }
    })

    it('is not shut by a question that was asked before the change and answered after it', async () => {
      const test = await start()
      const name = 'new-one'
      const asked = test.directory.find(name)
      await test.repository(name)
      await asked
      expect((await test.directory.find(name))?.name).toBe(name)
    })
  })

  describe('a first push', () => {
    it.each([
      ['users', { root: 'ok', user: 'ok', barred: '404', reading: '404', stranger: '401' }],
      ['admins', { root: 'ok', user: '404', barred: '404', reading: '404', stranger: '401' }],
      ['nobody', { root: '404', user: '404', barred: '404', reading: '404', stranger: '401' }],
    ] as const)('makes a private repository for %s', async (createOnPush, expected) => {
      const test = await start({ createOnPush })
      const user = test.actor(await test.user('user'))
      const people = {
        root: test.actor(await test.user('root', { isAdmin: true })),
        user,
        barred: test.actor(await test.user('barred', { mayCreate: false })),
        reading: { ...user, readOnly: true } as const,
        stranger: ANONYMOUS,
      }
      const seen: Record<string, string> = {}
      for (const [who, actor] of Object.entries(people)) {
        seen[who] = await test.push(`of-${who}/app`, actor).then(
          () => 'ok',
          (error) => String(error.status),
        )
        const made = await test.directory.find(`of-${who}`)
        expect(made?.visibility ?? null).toBe(seen[who] === 'ok' ? 'private' : null)
      }
      expect(seen).toEqual(expected)
    })

    it('by eight layers at once makes one repository, whose administrator is who pushed', async () => {
      const test = await start()
      const user = await test.user('alice')
      const pushes = Array.from({ length: 8 }, () => test.push('fresh/app', test.actor(user)))
      for (const pkg of await Promise.all(pushes)) await pushBytes(pkg, new Uint8Array(3))
      expect(await failureCode(test.registry.toDelete(test.actor(user), test.name('fresh/app')))).toBe('no error')
    })

    it('is the beginning of a push: what only goes on with one makes nothing', async () => {
      const test = await start()
      const user = test.actor(await test.user('alice'))
      expect(await failureCode(test.registry.toResume(user, test.name('fresh/app')))).toBe('NAME_UNKNOWN')
      expect(await test.directory.find('fresh')).toBeNull()
    })
  })

  describe('a mount', () => {
    const blobIn = async (test: TestRegistry, name: string) =>
      pushBytes(await test.push(name), crypto.getRandomValues(new Uint8Array(64)))

    it('finds no source that the actor may not read, named or not', async () => {
      const test = await start()
      const hidden = await test.repository('hidden')
      const digest = await blobIn(test, 'hidden/app')
      const user = await test.user('alice')
      const actor = test.actor(user)
      const find = (from: string | null) =>
        test.registry.findSource(actor, digest, from === null ? null : test.name(from))
      expect([await find('hidden/app'), await find(null), await find('missing/app')]).toEqual([null, null, null])
      await test.grant(hidden, user, 'reader', 'app')
      expect((await (await find('hidden/app'))?.statBlob(digest))?.size).toBe(64)
      expect((await (await find(null))?.statBlob(digest))?.size).toBe(64)
    })

    it('asks for a token that speaks of the source, where one would help, and only there', async () => {
      const test = await start()
      const source = await test.repository('source')
      await test.repository('hidden')
      const [digest, secret] = [await blobIn(test, 'source/app'), await blobIn(test, 'hidden/app')]
      const user = await test.user('alice')
      await test.grant(source, user, 'reader')
      const token = withToken(test.actor(user), ['target/app', 'pull', 'push'])
      const find = (of: typeof digest, from: string | null, actor = token) =>
        test.registry.findSource(actor, of, from === null ? null : test.name(from))
      expect(await failureCode(find(digest, 'source/app'))).toBe('UNAUTHORIZED')
      expect(await failureCode(find(digest, null))).toBe('UNAUTHORIZED')
      expect([await find(secret, 'hidden/app'), await find(secret, null), await find(secret, 'missing/app')]).toEqual([
        null,
        null,
        null,
      ])
      const both = withToken(test.actor(user), ['target/app', 'push'], ['source/app', 'pull'])
      expect((await (await find(digest, null, both))?.statBlob(digest))?.size).toBe(64)
    })

    it('shows the blob in the other image too, and answers nothing when the source lost it meanwhile', async () => {
      const test = await start()
      await test.repository('demo')
      const digest = await blobIn(test, 'demo/one')
      const [one, two] = [await test.push('demo/one'), await test.push('demo/two')]
      expect(await two.statBlob(digest)).toBeNull()
      expect((await two.mount(digest, one))?.size).toBe(64)
      expect((await (await test.push('demo/two')).statBlob(digest))?.size).toBe(64)
      expect(await two.mount(digestOf('nothing'), one)).toBeNull()
    })
  })

  describe('the catalogue', () => {
    it('lists what the actor may read, in pages of any size, and never ends a page too early', async () => {
      const test = await start()
      const user = await test.user('alice')
      const [mine, hidden, parts] = [
        await test.repository('mine', 'internal'),
        await test.repository('hidden'),
        await test.repository('parts'),
      ]
      await test.grant(parts, user, 'reader', 'b*')
      for (const repository of [mine, hidden, parts]) {
        for (const image of ['a', 'b', 'bb', 'c']) {
          await putDocument(await test.push(`${repository.name}/${image}`), emptyIndex(image))
        }
      }
      await test.push('mine/empty')
      const all = ['mine/a', 'mine/b', 'mine/bb', 'mine/c', 'parts/b', 'parts/bb']
      for (const limit of [1, 2, 3, 5, 6, 100]) {
        const seen: string[] = []
        for (let after: string | undefined = ''; after !== undefined; ) {
          const page: Awaited<ReturnType<typeof test.registry.catalog>> = await test.registry.catalog(
            test.actor(user),
            { limit, after },
          )
          expect(page.items.length).toBeLessThanOrEqual(limit)
          seen.push(...page.items)
          after = page.next
        }
        expect(seen).toEqual(all)
      }
      // a hidden repository between two others, larger than one step
      await test.db.transaction(async (tx) => {
        for (let n = 0; n < 450; n++) {
          const pkg = await savePackage(tx, hidden, `many/${n}`, 0)
          await tx.run`
            insert into artifacts (package_id, digest, media_type, size, document, pushed_at, pushed_by)
            values (${pkg}, ${digestOf('')}, ${INDEX}, 0, ${new Uint8Array()}, 0, 'test')`
        }
      })
      expect((await test.registry.catalog(test.actor(user), { limit: 100 })).items).toEqual(all)
      expect((await test.registry.catalog(test.actor(user), { limit: 1, after: 'h' })).items).toEqual(['mine/a'])
      expect(await test.registry.catalog(test.actor(user), { limit: 0 })).toEqual({ items: [] })
      expect(await failureCode(test.registry.catalog(ANONYMOUS, { limit: 5 }))).toBe('UNAUTHORIZED')
      expect(await failureCode(test.registry.catalog(withToken(test.actor(user)), { limit: 5 }))).toBe('UNAUTHORIZED')
    })
  })

  describe('a manifest', () => {
    it('cannot be used to reach a blob of another image', async () => {
      const test = await start()
      await test.repository('demo')
      const config = await blobIn(test, 'demo/one')
      const mediaType = 'application/vnd.oci.image.config.v1+json'
      const json = {
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType, digest: config, size: 64 },
        layers: [],
      }
      const content = { mediaType: MANIFEST, bytes: new TextEncoder().encode(JSON.stringify(json)) }
      expect(await failureCode(putDocument(await test.push('demo/two'), content))).toBe('MANIFEST_BLOB_UNKNOWN')
      expect(await failureCode(putDocument(await test.push('demo/one'), content))).toBe('no error')
    })

    async function blobIn(test: TestRegistry, name: string) {
      return pushBytes(await test.push(name), crypto.getRandomValues(new Uint8Array(64)))
    }
  })
}
