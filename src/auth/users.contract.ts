import { describe, expect, it } from 'bun:test'
import { ADDRESS, TestAuth } from '../../tests/harness/auth.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { bootstrapAdministrator } from './bootstrap-administrator.ts'
import { changeUser, findUserByName, listUsers, removeUser, savePassword, saveUser } from './user.ts'

const PASSWORD = 'correct horse battery'

/** Passwords are slow to check on purpose, and tests run beside each other, in milliseconds. */
const SLOW_MS = 30_000

/** Users, their passwords and the first administrator. */
export function usersContract(open: OpenDatabase): void {
  describe('users', () => {
    it('has each name once, and lists them in pages', async () => {
      const test = new TestAuth(await open())
      for (const name of ['carol', 'alice', 'bob']) await test.user(name)
      const again = { name: 'bob', passwordHash: null, isAdmin: true, mayCreateRepositories: true }
      expect(await test.database.transaction((tx) => saveUser(tx, again, 0))).toBeNull()
      const first = await listUsers(test.database, { limit: 2 })
      expect(first.items.map((user) => user.name)).toEqual(['alice', 'bob'])
      const second = await listUsers(test.database, { limit: 2, after: first.next ?? '' })
      expect(second.items.map((user) => user.name)).toEqual(['carol'])
      expect(second.next).toBeUndefined()
      expect(JSON.stringify(first)).not.toContain('assword')
    })

    it('refuses names that could not be used to sign in', async () => {
      const test = new TestAuth(await open())
      for (const name of ['', 'a:b', 'A', ' a', 'a b', '-a', 'a'.repeat(101), 'ä', 'a\0']) {
        const made = { name, passwordHash: null, isAdmin: false, mayCreateRepositories: false }
        await expect(test.database.transaction((tx) => saveUser(tx, made, 0))).rejects.toThrow('a user name has')
      }
    })
  })

  describe('signing in with a password', () => {
    it(
      'takes the right one, and remembers it only until something about the user changes',
      async () => {
        const test = new TestAuth(await open())
        const user = await test.user('alice', { password: PASSWORD })
        const signIn = (password = PASSWORD) => test.auth.signIn.withPassword('alice', password, ADDRESS)
        const timed = async () => {
          const started = performance.now()
          expect((await signIn()).user.id).toBe(user.id)
          return performance.now() - started
        }
        const checked = await timed()
        expect(await timed()).toBeLessThan(checked / 2)

        const hash = await test.auth.passwords.hash('another password')
        await test.database.transaction((tx) => savePassword(tx, user.id, hash, test.now()))
        test.auth.revocations.forget()
        await expect(signIn()).rejects.toThrow('incorrect user name or password')
        expect((await signIn('another password')).user.id).toBe(user.id)

        await test.database.transaction((tx) => changeUser(tx, user.id, { isDisabled: true }, test.now()))
        test.auth.revocations.forget()
        await expect(signIn('another password')).rejects.toThrow('incorrect user name or password')

        await test.database.transaction((tx) =>
          changeUser(tx, user.id, { isDisabled: false, isAdmin: true }, test.now()),
        )
        test.auth.revocations.forget()
        expect((await signIn('another password')).user.isAdmin).toBe(true)

        await test.database.transaction((tx) => removeUser(tx, user.id, test.now()))
        test.auth.revocations.forget()
        await expect(signIn('another password')).rejects.toThrow('incorrect user name or password')
      },
      SLOW_MS,
    )

    it(
      'says the same of an unknown user, a user without a password and odd names',
      async () => {
        const test = new TestAuth(await open())
        await test.user('robot')
        for (const name of ['nobody', 'robot', '', 'a\0b', '\ud800', 'x'.repeat(10_000)]) {
          const attempt = test.auth.signIn.withPassword(name, PASSWORD, ADDRESS)
          await expect(attempt).rejects.toMatchObject({
            code: 'UNAUTHORIZED',
            message: 'incorrect user name or password',
          })
        }
      },
      SLOW_MS,
    )

    it(
      'looks at no more passwords of a name and address after ten failures, for a while',
      async () => {
        const test = new TestAuth(await open())
        await test.user('alice', { password: PASSWORD })
        const attempt = (password: string, address = ADDRESS) =>
          test.auth.signIn.withPassword('alice', password, address)
        const failures = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => attempt(`wrong ${i}`)))
        const codes = failures.map((failure) => failure.status === 'rejected' && failure.reason.code)
        // two are looked at at once, so one more than ten may slip through
        expect(codes.filter((code) => code === 'UNAUTHORIZED').length).toBeWithin(10, 12)

        const refused = await attempt(PASSWORD).catch((error) => error)
        expect(refused).toMatchObject({ code: 'TOOMANYREQUESTS', status: 429 })
        expect(refused.retryAfterSeconds).toBeWithin(1, 301)
        expect((await attempt(PASSWORD, '198.51.100.9')).user.name).toBe('alice')
        test.ahead = 5 * 60_000
        expect((await attempt(PASSWORD)).user.name).toBe('alice')
      },
      SLOW_MS,
    )
  })

  describe('the first administrator', () => {
    const clock = () => Date.now()

    it('is made once, with a password that is shown once', async () => {
      const { auth, database } = new TestAuth(await open())
      const password = await bootstrapAdministrator(database, auth.passwords, null, clock)
      expect(password).toHaveLength(24)
      const { user } = await auth.signIn.withPassword('admin', password ?? '', ADDRESS)
      expect(user.isAdmin).toBe(true)
      expect(await bootstrapAdministrator(database, auth.passwords, null, clock)).toBeNull()
      expect((await findUserByName(database, 'admin'))?.passwordHash).toStartWith('$argon2id$')
    })

    it(
      'takes the password of the file, and a new one when the file has changed',
      async () => {
        const { auth, database } = new TestAuth(await open())
        const bootstrap = (content: string) => bootstrapAdministrator(database, auth.passwords, content, clock)
        expect(await bootstrap(`${PASSWORD}\n`)).toBeNull()
        const { user } = await auth.signIn.withPassword('admin', PASSWORD, ADDRESS)
        await bootstrap(PASSWORD)
        expect((await findUserByName(database, 'admin'))?.version).toBe(user.version)
        await bootstrap('a changed password\r\n')
        auth.revocations.forget()
        expect((await auth.signIn.withPassword('admin', 'a changed password', ADDRESS)).user.id).toBe(user.id)
        await expect(auth.signIn.withPassword('admin', PASSWORD, ADDRESS)).rejects.toThrow('incorrect')
        await expect(bootstrap('\n')).rejects.toThrow('a password has at least')
      },
      SLOW_MS,
    )

    it(
      'keeps a password that was changed elsewhere, as long as the file is what it was',
      async () => {
        const { auth, database } = new TestAuth(await open())
        await bootstrapAdministrator(database, auth.passwords, PASSWORD, clock)
        const { user } = await auth.signIn.withPassword('admin', PASSWORD, ADDRESS)
        const hash = await auth.passwords.hash('chosen by the administrator')
        await database.transaction((tx) => savePassword(tx, user.id, hash, clock()))
        auth.revocations.forget()
        await bootstrapAdministrator(database, auth.passwords, PASSWORD, clock)
        await expect(auth.signIn.withPassword('admin', PASSWORD, ADDRESS)).rejects.toThrow('incorrect')
        await auth.signIn.withPassword('admin', 'chosen by the administrator', ADDRESS)
      },
      SLOW_MS,
    )

    it('is one, when two processes start at the same time', async () => {
      const { auth, database } = new TestAuth(await open())
      const start = () => bootstrapAdministrator(database, auth.passwords, null, clock)
      const passwords = await Promise.all([start(), start()])
      expect(passwords.filter((password) => password !== null)).toHaveLength(1)
    })

    it('is not made when somebody else can administer', async () => {
      const test = new TestAuth(await open())
      await test.user('root', { isAdmin: true })
      expect(await bootstrapAdministrator(test.database, test.auth.passwords, null, clock)).toBeNull()
      expect(await findUserByName(test.database, 'admin')).toBeNull()
    })
  })
}
