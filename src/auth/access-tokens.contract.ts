import { describe, expect, it } from 'bun:test'
import { ADDRESS, TestAuth } from '../../tests/harness/auth.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { type AccessTokenScope, listAccessTokens, revokeAccessToken, saveAccessToken } from './access-token.ts'
import { actorOf } from './account.ts'
import { saveRefreshToken } from './refresh-token.ts'
import { changeUser, savePassword, type User } from './user.ts'

const MINUTE = 60_000

/** Personal access tokens, and the refresh tokens that clients keep. */
export function accessTokensContract(open: OpenDatabase): void {
  const start = async () => {
    const test = new TestAuth(await open())
    const alice = await test.user('alice')
    const save = (made: { expiresAt?: number; scopes?: AccessTokenScope[] } = {}, user: User = alice) =>
      test.database.transaction((tx) =>
        saveAccessToken(tx, { userId: user.id, name: 'ci', scopes: [], expiresAt: null, ...made }, test.now()),
      )
    return { test, alice, save, signIn: test.auth.signIn }
  }

  describe('a personal access token', () => {
    it('stands for its owner, by itself or in place of the password', async () => {
      const { test, alice, save, signIn } = await start()
      await test.user('bob')
      const { secret, token } = await save()
      expect(secret).toMatch(/^swp_[0-9A-Za-z]{40}$/)
      expect(secret).toStartWith(token.prefix)
      expect((await signIn.withAccessToken(secret)).user.id).toBe(alice.id)
      for (const name of ['alice', 'token', '', '<token>']) {
        expect((await signIn.withPassword(name, secret, ADDRESS)).user.id).toBe(alice.id)
      }
      await expect(signIn.withPassword('bob', secret, ADDRESS)).rejects.toThrow('incorrect user name or password')
    })

    it('is kept as a hash only', async () => {
      const { test, save } = await start()
      const { secret } = await save()
      const rows = await test.database.all`select secret_hash, prefix, name from access_tokens`
      expect(JSON.stringify(rows)).not.toContain(secret.slice(8))
    })

    it('counts no more when it has expired, is revoked, or its owner is disabled', async () => {
      const { test, alice, save, signIn } = await start()
      const [expiring, revoked, kept] = [await save({ expiresAt: test.now() + MINUTE }), await save(), await save()]
      await signIn.withAccessToken(expiring.secret)
      test.ahead = MINUTE
      await expect(signIn.withAccessToken(expiring.secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })

      const revoke = () => test.database.transaction((tx) => revokeAccessToken(tx, alice.id, revoked.token.id, 1))
      expect([await revoke(), await revoke()]).toEqual([true, false])
      await expect(signIn.withAccessToken(revoked.secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
      await signIn.withAccessToken(kept.secret)

      await test.database.transaction((tx) => changeUser(tx, alice.id, { isDisabled: true }, test.now()))
      await expect(signIn.withAccessToken(kept.secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
      const listed = await listAccessTokens(test.database, alice.id, { limit: 10 })
      expect(listed.items.map((token) => token.revokedAt)).toEqual([null, 1, null])
    })

    it('is revoked by its owner only', async () => {
      const { test, save, signIn } = await start()
      const bob = await test.user('bob')
      const { secret, token } = await save()
      expect(await test.database.transaction((tx) => revokeAccessToken(tx, bob.id, token.id, 1))).toBe(false)
      await signIn.withAccessToken(secret)
    })

    it('can be made to read only, an administrator even', async () => {
      const { test, save, signIn } = await start()
      const root = await test.user('root', { isAdmin: true })
      const repository = await test.repository('demo')
      const { secret } = await save({ scopes: ['read'] }, root)
      const actor = actorOf(await signIn.withAccessToken(secret))
      expect(await test.auth.permissions.may(actor, repository, 'app', 'pull')).toBe(true)
      for (const right of ['push', 'delete', 'manage', 'grant'] as const) {
        expect(await test.auth.permissions.may(actor, repository, 'app', right)).toBe(false)
      }
      expect(await test.auth.permissions.mayCreateByPush(actor, 'new/app')).toBe(false)
    })

    it('shows when it was last used, once that is written', async () => {
      const { test, alice, save, signIn } = await start()
      const { secret } = await save()
      await signIn.withAccessToken(secret)
      const lastUse = async () => (await listAccessTokens(test.database, alice.id, { limit: 1 })).items[0]?.lastUsedAt
      expect(await lastUse()).toBeNull()
      await test.auth.lastUse.flush()
      expect(await lastUse()).toBeWithin(test.now() - MINUTE, test.now() + 1)
    })

    it('refuses to be nameless or to expire in the past', async () => {
      const { test, alice, save } = await start()
      await expect(save({ expiresAt: test.now() - 1 })).rejects.toThrow('in the past')
      const nameless = { userId: alice.id, name: '', scopes: [], expiresAt: null }
      await expect(test.database.transaction((tx) => saveAccessToken(tx, nameless, 0))).rejects.toThrow('name has 1')
    })
  })

  describe('a refresh token', () => {
    it('stands for its owner until the password changes or it expires', async () => {
      const { test, alice, signIn } = await start()
      const save = () => test.database.transaction((tx) => saveRefreshToken(tx, { user: alice }, 'docker', test.now()))
      const first = await save()
      expect((await signIn.withRefreshToken(first)).user.id).toBe(alice.id)
      await expect(signIn.withPassword('alice', first, ADDRESS)).rejects.toThrow('incorrect')
      test.ahead = 91 * 24 * 60 * MINUTE
      await expect(signIn.withRefreshToken(first)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
      const second = await save()
      await signIn.withRefreshToken(second)
      await test.database.transaction((tx) => savePassword(tx, alice.id, null, test.now()))
      await expect(signIn.withRefreshToken(second)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
      // from before the change, saved after it
      await expect(signIn.withRefreshToken(await save())).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    })

    it('ends with the access token it was obtained with, and has no more rights', async () => {
      const { test, alice, save, signIn } = await start()
      const { secret, token } = await save({ scopes: ['read'] })
      const account = await signIn.withAccessToken(secret)
      const refresh = await test.database.transaction((tx) => saveRefreshToken(tx, account, 'docker', test.now()))
      expect(actorOf(await signIn.withRefreshToken(refresh)).readOnly).toBe(true)
      await test.database.transaction((tx) => revokeAccessToken(tx, alice.id, token.id, test.now()))
      await expect(signIn.withRefreshToken(refresh)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    })

    it('is kept for the latest hundred clients of a user', async () => {
      const { test, alice, signIn } = await start()
      const secrets: string[] = []
      for (let i = 0; i < 102; i++) {
        secrets.push(await test.database.transaction((tx) => saveRefreshToken(tx, { user: alice }, 'x', test.now())))
      }
      const rows = await test.database.all`select id from refresh_tokens`
      expect(rows).toHaveLength(100)
      await signIn.withRefreshToken(secrets[101] ?? '')
      await expect(signIn.withRefreshToken(secrets[0] ?? '')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    })
  })
}
