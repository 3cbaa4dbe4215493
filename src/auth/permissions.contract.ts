import { describe, expect, it } from 'bun:test'
import { TestAuth } from '../../tests/harness/auth.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { type Actor, ANONYMOUS, SYSTEM } from '../core/actor.ts'
import { listGrants, type NewGrant, removeGrant, saveGrant, saveOwner } from './grant.ts'
import type { Right } from './role.ts'
import { formatScope, parseScopes } from './scope.ts'
import { removeTeam, removeTeamMember, saveTeam, saveTeamMember } from './team.ts'
import { changeUser, removeUser } from './user.ts'

/** Live grants, who may make a repository, and what the token service gives. */
export function permissionsContract(open: OpenDatabase): void {
  const start = async () => {
    const test = new TestAuth(await open())
    const alice = await test.user('alice')
    const demo = await test.repository('demo')
    const grant = (given: Partial<NewGrant>) =>
      test.database.transaction((tx) => {
        const whole = { repositoryId: demo.id, imageGlob: '**', subjectKind: 'user', subjectId: alice.id } as const
        return saveGrant(tx, { ...whole, role: 'reader', ...given }, SYSTEM, test.now())
      })
    const { permissions } = test.auth
    const may = (right: Right, image: string | null = 'app', actor: Actor = test.actor(alice)) => {
      permissions.forgetTeams()
      return permissions.may(actor, demo, image, right)
    }
    return { test, alice, demo, grant, permissions, may }
  }

  describe('grants', () => {
    it('give a user a role on matching images, until they are taken back', async () => {
      const { test, demo, grant, may } = await start()
      expect(await may('pull')).toBe(false)
      const { id } = await grant({ imageGlob: 'app/*', role: 'writer' })
      expect([await may('push', 'app/web'), await may('push', 'app'), await may('delete', 'app/web')]).toEqual([
        true,
        false,
        false,
      ])
      await grant({ imageGlob: 'app/*', role: 'maintainer' })
      expect(await may('delete', 'app/web')).toBe(true)
      expect(await may('manage', null)).toBe(false)
      expect((await listGrants(test.database, demo.id, { limit: 5 })).items.map((g) => g.id)).toEqual([id])
      expect(await test.database.transaction((tx) => removeGrant(tx, demo.id + 1, id))).toBe(false)
      expect(await test.database.transaction((tx) => removeGrant(tx, demo.id, id))).toBe(true)
      expect(await may('pull', 'app/web')).toBe(false)
    })

    it('give a team a role, to who is in it', async () => {
      const { test, alice, grant, may } = await start()
      const team = await test.database.transaction((tx) => saveTeam(tx, 'web', 0))
      if (!team) throw new Error('no team')
      await grant({ subjectKind: 'team', subjectId: team.id, role: 'admin' })
      expect(await may('grant', null)).toBe(false)
      await test.database.transaction((tx) => saveTeamMember(tx, team.id, alice.id))
      expect(await may('grant', null)).toBe(true)
      await test.database.transaction((tx) => removeTeamMember(tx, team.id, alice.id))
      expect(await may('grant', null)).toBe(false)
      await test.database.transaction((tx) => removeTeam(tx, team.id))
      expect(await test.database.all`select id from grants`).toEqual([])
    })

    it('act within a second in another process, and at once in the one that forgets', async () => {
      const { test, alice, demo, grant, permissions } = await start()
      const other = new TestAuth(test.database).auth.permissions
      const ask = (of: typeof other) => of.may(test.actor(alice), demo, 'app', 'pull')
      expect([await ask(permissions), await ask(other)]).toEqual([false, false])
      await grant({})
      permissions.forgetGrants(demo.id)
      expect(await ask(permissions)).toBe(true)
      await Bun.sleep(1_000)
      expect(await ask(other)).toBe(true)
    })

    it('refuse bad patterns, subjects that are not there and strangers who would rule', async () => {
      const { grant } = await start()
      await expect(grant({ imageGlob: 'a//b' })).rejects.toThrow('not an image pattern')
      await expect(grant({ subjectId: 'nobody' })).rejects.toThrow('there is no such user or team')
      await expect(grant({ subjectKind: 'team' })).rejects.toThrow('there is no such user or team')
      const stranger = { subjectKind: 'anonymous', subjectId: '', role: 'admin' } as const
      await expect(grant(stranger)).rejects.toThrow('a stranger can be')
    })

    it('go with their user and with their repository', async () => {
      const { test, alice, demo, grant } = await start()
      const bob = await test.user('bob')
      await grant({})
      await grant({ subjectId: bob.id })
      await test.database.transaction((tx) => removeUser(tx, alice.id, test.now()))
      expect((await listGrants(test.database, demo.id, { limit: 9 })).items.map((g) => g.subjectId)).toEqual([bob.id])
      await test.database.transaction((tx) => tx.run`delete from repositories where id = ${demo.id}`)
      expect(await test.database.all`select id from grants`).toEqual([])
    })
  })

  describe('a first push', () => {
    it('may make a repository when the setting and the user let it', async () => {
      const database = await open()
      const test = new TestAuth(database)
      const users = {
        user: await test.user('user'),
        barred: await test.user('barred', { mayCreate: false }),
        admin: await test.user('root', { isAdmin: true, mayCreate: false }),
      }
      const table = {
        users: { user: true, barred: false, admin: true },
        admins: { user: false, barred: false, admin: true },
        nobody: { user: false, barred: false, admin: false },
      }
      for (const [createOnPush, expected] of Object.entries(table)) {
        // the keys of the table are the settings
        const { permissions } = new TestAuth(database, { createOnPush: createOnPush as keyof typeof table }).auth
        const may = (actor: Actor) => permissions.mayCreateByPush(actor, 'new/app')
        const { user, barred, admin } = users
        const actual = {
          user: await may(test.actor(user)),
          barred: await may(test.actor(barred)),
          admin: await may(test.actor(admin)),
        }
        expect(actual).toEqual(expected)
        expect(await may(ANONYMOUS)).toBe(false)
      }
    })

    it('is judged anew when it comes with a token, which must speak of that image', async () => {
      const { test, alice, permissions } = await start()
      const actor: Actor = {
        ...test.actor(alice),
        tokenAccess: [{ type: 'repository', name: 'new/app', actions: ['push'] }],
      }
      expect(await permissions.mayCreateByPush(actor, 'new/app')).toBe(true)
      expect(await permissions.mayCreateByPush(actor, 'new/other')).toBe(false)
      await test.database.transaction((tx) => changeUser(tx, alice.id, { mayCreateRepositories: false }, 0))
      expect(await permissions.mayCreateByPush(actor, 'new/app')).toBe(false)
    })

    it('makes its user the administrator', async () => {
      const { test, alice, demo, may } = await start()
      await test.database.transaction((tx) => saveOwner(tx, demo.id, test.actor(alice), 0))
      expect(await may('grant', null)).toBe(true)
    })
  })

  describe('the token service', () => {
    it('gives what is both asked and allowed, in the order asked', async () => {
      const test = new TestAuth(await open())
      const [alice, root] = [await test.user('alice'), await test.user('root', { isAdmin: true })]
      const [demo] = [await test.repository('demo'), await test.repository('shared', 'internal')]
      await test.repository('open', 'public')
      const role = { subjectKind: 'user', subjectId: alice.id, role: 'writer' } as const
      const given = { repositoryId: demo.id, imageGlob: 'app', ...role }
      await test.database.transaction((tx) => saveGrant(tx, given, SYSTEM, 0))
      const barred = await test.user('barred', { mayCreate: false })

      const stranger = null
      const TABLE: [who: typeof alice | null, asked: string, given: string][] = [
        [alice, 'repository:demo/app:pull', 'repository:demo/app:pull'],
        [alice, 'repository:demo/app:push,pull', 'repository:demo/app:push,pull'],
        [alice, 'repository:demo/app:pull,push,delete', 'repository:demo/app:pull,push'],
        [alice, 'repository:demo/app:*', 'repository:demo/app:pull,push'],
        [alice, 'repository:demo/app:delete', ''],
        [alice, 'repository:demo/app:admin', ''],
        [alice, 'repository:demo/other:pull', ''],
        [alice, 'repository(plugin):demo/app:pull', 'repository:demo/app:pull'],
        [
          alice,
          'repository:demo/app:pull repository:open/x/y:pull',
          'repository:demo/app:pull repository:open/x/y:pull',
        ],
        [alice, 'repository:shared/x:pull,push', 'repository:shared/x:pull'],
        [alice, 'repository:new/app:pull,push', 'repository:new/app:pull,push'],
        [alice, 'repository:new/app:pull', ''],
        [alice, 'repository:demo:pull', ''],
        [alice, 'repository:Demo/App:pull', ''],
        [alice, 'repository:demo/../open/x:pull', ''],
        [alice, 'repository:host:5000/demo/app:pull', ''],
        [alice, 'registry:catalog:*', 'registry:catalog:*'],
        [alice, 'registry:users:*', ''],
        [alice, 'other:demo/app:pull', ''],
        [alice, '', ''],
        [barred, 'repository:new/app:pull,push', ''],
        [root, 'repository:demo/app:pull,push,delete', 'repository:demo/app:pull,push,delete'],
        [root, 'repository:missing/app:pull', 'repository:missing/app:pull'],
        [stranger, 'repository:open/x:pull,push', 'repository:open/x:pull'],
        [stranger, 'repository:shared/x:pull', ''],
        [stranger, 'repository:demo/app:pull', ''],
        [stranger, 'repository:new/app:pull,push', ''],
        [stranger, 'registry:catalog:*', 'registry:catalog:*'],
      ]
      for (const [user, asked, expected] of TABLE) {
        const { access, issued } = await test.auth.tokenService.issue(user && { user }, parseScopes([asked]))
        const who = user?.name ?? 'stranger'
        expect(`${who} ${asked} -> ${access.map(formatScope).join(' ')}`).toBe(`${who} ${asked} -> ${expected}`)
        expect((await test.auth.tokens.verify(issued.token)).tokenAccess).toEqual(access)
      }
    })

    it('lets a token alone decide about images, and its holder about lists', async () => {
      const { test, alice, demo, grant, permissions } = await start()
      await grant({ role: 'admin' })
      const { tokenService, tokens } = test.auth
      const actorFor = async (scope: string) =>
        tokens.verify((await tokenService.issue({ user: alice }, parseScopes([scope]))).issued.token)
      const puller = await actorFor('repository:demo/app:pull')
      expect(await permissions.may(puller, demo, 'app', 'pull')).toBe(true)
      expect(await permissions.may(puller, demo, 'app', 'push')).toBe(false)
      expect(await permissions.may(puller, demo, 'other', 'pull')).toBe(false)
      expect(await permissions.may(puller, demo, null, 'manage')).toBe(false)
      expect(await permissions.readerOfCatalog(puller)).toBeNull()

      const lister = await permissions.readerOfCatalog(await actorFor('registry:catalog:*'))
      if (!lister) throw new Error('no reader')
      expect(await permissions.may(lister, demo, 'other', 'pull')).toBe(true)
      expect(await permissions.may(lister, demo, 'other', 'push')).toBe(false)
      expect(await permissions.readerOfCatalog(ANONYMOUS)).toBeNull()
      const { issued } = await tokenService.issue(null, parseScopes(['registry:catalog:*']))
      expect(await permissions.readerOfCatalog(await tokens.verify(issued.token))).toBe(ANONYMOUS)
      expect(await permissions.readerOfCatalog(test.actor(alice))).toEqual(test.actor(alice))
    })

    it('gives no way into a repository that somebody else makes later', async () => {
      const { test, alice, permissions } = await start()
      const { tokenService, tokens } = test.auth
      const bob = await test.user('bob')
      const tokenOf = async (user: typeof alice) =>
        tokens.verify((await tokenService.issue({ user }, parseScopes(['repository:new/app:pull,push']))).issued.token)
      const [first, second] = [await tokenOf(alice), await tokenOf(bob)]
      const made = await test.repository('new')
      await test.database.transaction((tx) => saveOwner(tx, made.id, test.actor(alice), 0))
      const rights: Right[] = ['pull', 'push']
      const allowed = (actor: Actor) => Promise.all(rights.map((right) => permissions.may(actor, made, 'app', right)))
      expect(await allowed(first)).toEqual([true, true])
      expect(await allowed(second)).toEqual([false, false])
      // nor into another one of the same name
      const { access } = await tokenService.issue({ user: alice }, parseScopes(['repository:new/app:pull,push']))
      expect(await allowed({ ...test.actor(alice), tokenAccess: access })).toEqual([true, true])
      const older = access.map((entry) => ({ ...entry, repositoryId: made.id - 1 }))
      expect(await allowed({ ...test.actor(alice), tokenAccess: older })).toEqual([false, false])
    })
  })
}
