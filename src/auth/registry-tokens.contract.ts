import { describe, expect, it } from 'bun:test'
import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { ISSUER, SERVICE, TestAuth } from '../../tests/harness/auth.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { revokeAccessToken, saveAccessToken } from './access-token.ts'
import { tokenSubjectOf } from './account.ts'
import { changeUser, removeUser } from './user.ts'

const ACCESS = [{ type: 'repository', name: 'demo/app', actions: ['pull'], repositoryId: 7 }] as const

type Claims = Record<string, unknown>
type Header = { kid?: string; typ?: string }

/** Registry tokens: what is signed, what is refused, and how keys change. */
export function registryTokensContract(open: OpenDatabase): void {
  const start = async () => {
    const test = new TestAuth(await open())
    const alice = await test.user('alice')
    const { tokens, keys } = test.auth
    const issue = () => tokens.issue(tokenSubjectOf({ user: alice }), ACCESS)
    const verify = async (token: string) => tokens.verify(token)
    return { test, alice, tokens, keys, issue, verify }
  }

  /** Signs with our own key what we would never sign ourselves. */
  const forge = async (test: TestAuth, change: Claims, header: Header = {}) => {
    const key = await test.auth.keys.current()
    const now = Math.floor(test.now() / 1000)
    const good = { iss: ISSUER, aud: SERVICE, sub: 'u', jti: 'j', iat: now, nbf: now, exp: now + 300 }
    // what is undefined is left out of the JSON
    return new SignJWT({ ...good, name: 'u', ver: 1, access: ACCESS, ...change } as JWTPayload)
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'JWT', ...header })
      .sign(key.privateKey)
  }

  describe('a registry token', () => {
    it('makes the actor it was issued for, with its access and nothing more', async () => {
      const { alice, issue, verify } = await start()
      const { token, expiresInSeconds } = await issue()
      expect(expiresInSeconds).toBe(300)
      const actor = { kind: 'user', id: alice.id, name: 'alice', isAdmin: false, tokenAccess: ACCESS }
      expect(await verify(token)).toEqual(actor as never)
      expect(await verify(token)).toEqual(actor as never)
    })

    it('of a stranger is a stranger', async () => {
      const { tokens } = await start()
      const { token } = await tokens.issue(tokenSubjectOf(null), [])
      expect(await tokens.verify(token)).toMatchObject({ kind: 'anonymous', id: 'anonymous', tokenAccess: [] })
    })

    it('expires, also one that was seen before', async () => {
      const { test, issue, verify } = await start()
      const { token } = await issue()
      await verify(token)
      test.ahead = 299_000
      await verify(token)
      test.ahead = 311_000
      await expect(verify(token)).rejects.toMatchObject({ code: 'UNAUTHORIZED', detail: { error: 'invalid_token' } })
    })

    const HOUR = 3600
    const now = () => Math.floor(Date.now() / 1000)
    const WRONG: [name: string, change: () => Claims, header?: Header][] = [
      ['of another audience', () => ({ aud: 'another.example' })],
      ['without an audience', () => ({ aud: undefined })],
      ['of another issuer', () => ({ iss: 'https://another.example' })],
      ['without an issuer', () => ({ iss: undefined })],
      ['that has expired', () => ({ exp: now() - 60, iat: now() - 100, nbf: now() - 100 })],
      ['without an end', () => ({ exp: undefined })],
      ['that is not good yet', () => ({ nbf: now() + 60 })],
      ['from the future', () => ({ iat: now() + HOUR })],
      ['older than any of ours', () => ({ iat: now() - HOUR, exp: now() + HOUR })],
      ['without a subject', () => ({ sub: undefined })],
      ['without access', () => ({ access: undefined })],
      ['with odd access', () => ({ access: [{ type: 'everything', name: '*', actions: ['*'] }] })],
      ['with a text for access', () => ({ access: 'all' })],
      ['without a version', () => ({ ver: undefined })],
      ['of another type', () => ({}), { typ: 'at+jwt' }],
      ['of an unknown key', () => ({}), { kid: 'unknown' }],
      ['of a key whose name is no text', () => ({}), { kid: '../../../dev/null' }],
    ]
    for (const [name, change, header] of WRONG) {
      it(`${name} is refused`, async () => {
        const { test, verify } = await start()
        const refused = { code: 'UNAUTHORIZED', status: 401, detail: { error: 'invalid_token' } }
        await verify(await forge(test, {}))
        await expect(verify(await forge(test, change(), header))).rejects.toMatchObject(refused)
      })
    }

    it('is good a few seconds early, as clocks differ', async () => {
      const { test, verify } = await start()
      await verify(await forge(test, { nbf: now() + 5 }))
    })

    it('is refused when it is unsigned, signed by a stranger, by a shared secret, changed, or no token at all', async () => {
      const { test, keys, issue, verify } = await start()
      const { token } = await issue()
      const [header = '', payload = '', signature = ''] = token.split('.')
      const { kid, publicJwk } = await keys.current()
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
      const stranger = await generateKeyPair('EdDSA', { extractable: true })
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const hs256 = (secret: string | Uint8Array) => {
        const signed = `${encode({ alg: 'HS256', kid, typ: 'JWT' })}.${payload}`
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
      }
      const publicBytes = Buffer.from(publicJwk.x ?? '', 'base64url')
      const none = (alg: string) => `${encode({ alg, kid, typ: 'JWT' })}.${payload}.`
      const sign = (extra: object) =>
        new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT', ...extra }).sign(stranger.privateKey)
      const more = encode({ ...claims, access: [{ type: 'repository', name: 'demo/app', actions: ['push'] }] })
      const wrong = [
        new UnsecuredJWT(claims).encode(),
        none('none'),
        none('None'),
        none('NONE'),
        `${none('none')}${signature}`,
        `${none('EdDSA')}`,
        hs256(publicBytes),
        hs256(JSON.stringify(publicJwk)),
        hs256(''),
        await sign({}),
        // a key that the token brings itself
        await sign({ jwk: await exportJWK(stranger.publicKey) }),
        await sign({ jku: 'https://attacker.example/keys' }),
        `${header}.${more}.${signature}`,
        `${header}.${payload}`,
        `${header}.${payload}.${signature}.`,
        `${header}.${payload}.${'A'.repeat(86)}`,
        `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${payload}.${signature}`,
        `${encode({ alg: 'EdDSA', kid: 5, typ: 'JWT' })}.${payload}.${signature}`,
        `${encode({ alg: 'EdDSA', kid: 'a\0b', typ: 'JWT' })}.${payload}.${signature}`,
        '',
        '.',
        '..',
        'abc',
        '{}.{}.{}',
        '\0',
        `${header}.${payload}.${signature} `,
      ]
      for (const text of wrong) {
        await expect(verify(text)).rejects.toMatchObject({ code: 'UNAUTHORIZED', detail: { error: 'invalid_token' } })
      }
      expect(await verify(token)).toMatchObject({ name: 'alice' })
      expect(test.auth.tokens.settings.service).toBe(SERVICE)
    })

    it('is refused when any one character of it is another one', async () => {
      const { issue, verify } = await start()
      const { token } = await issue()
      for (let at = 0; at < token.length; at++) {
        // neighbours in the alphabet differ in the lowest bits, which a decoder may not even look at
        const other = token[at] === 'A' ? 'B' : 'A'
        const changed = token.slice(0, at) + other + token.slice(at + 1)
        await expect(verify(changed)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
      }
      const last = token.slice(0, -1)
      const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].map((end) => last + end)
      const answers = await Promise.allSettled(spellings.map(verify))
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    it('is not issued when no client could send it', async () => {
      const { tokens } = await start()
      const names = Array.from({ length: 100 }, (_, i) => `demo/${'x'.repeat(100)}${i}`)
      const access = names.map((name) => ({ type: 'repository', name, actions: ['pull'] }) as const)
      await expect(tokens.issue(tokenSubjectOf(null), access)).rejects.toThrow('too many scopes for one token')
    })

    it('is refused unread when it is huge', async () => {
      const { test, verify } = await start()
      const access = Array.from({ length: 500 }, (_, i) => ({
        type: 'repository',
        name: `demo/app${i}`,
        actions: ['pull'],
      }))
      const huge = await forge(test, { access })
      expect(huge.length).toBeGreaterThan(16 * 1024)
      await expect(verify(huge)).rejects.toThrow('the token is too long')
      await expect(verify('a'.repeat(10_000_000))).rejects.toThrow('the token is too long')
    })

    it('ends when its user changes or goes, or its access token is revoked, in every process', async () => {
      const { test, alice, issue, verify } = await start()
      const other = new TestAuth(test.database)
      const { token } = await issue()
      await other.auth.tokens.verify(token)
      await test.database.transaction((tx) => changeUser(tx, alice.id, { isDisabled: true }, test.now()))
      test.auth.revocations.forget()
      await expect(verify(token)).rejects.toThrow('the token was revoked')
      await Bun.sleep(1_000)
      await expect((async () => other.auth.tokens.verify(token))()).rejects.toThrow('the token was revoked')

      const bob = await test.user('bob')
      const { token: pat } = await test.database.transaction((tx) =>
        saveAccessToken(tx, { userId: bob.id, name: 'ci', scopes: [], expiresAt: null }, test.now()),
      )
      const accessToken = { id: pat.id, isReadOnly: false }
      const byPat = await test.auth.tokens.issue(tokenSubjectOf({ user: bob, accessToken }), ACCESS)
      const byPassword = await test.auth.tokens.issue(tokenSubjectOf({ user: bob }), ACCESS)
      await verify(byPat.token)
      await test.database.transaction((tx) => revokeAccessToken(tx, bob.id, pat.id, test.now()))
      test.auth.revocations.forget()
      await expect(verify(byPat.token)).rejects.toThrow('the token was revoked')
      await verify(byPassword.token)
      await test.database.transaction((tx) => removeUser(tx, bob.id, test.now()))
      test.auth.revocations.forget()
      await expect(verify(byPassword.token)).rejects.toThrow('the token was revoked')
    })

    it('costs next to nothing when it was seen before', async () => {
      const { tokens, issue } = await start()
      const { token } = await issue()
      await tokens.verify(token)
      const started = performance.now()
      // a new text each time, as from a request
      for (let i = 0; i < 10_000; i++) tokens.verify(Buffer.from(token).toString('latin1'))
      expect((performance.now() - started) / 10).toBeLessThan(50) // microseconds each; some 2 on an idle machine
    })
  })

  describe('signing keys', () => {
    it('are made once, whoever starts first, and shown without their private part', async () => {
      const { test, keys, issue } = await start()
      await issue()
      const other = new TestAuth(test.database)
      expect(await other.auth.keys.publicKeys()).toEqual(await keys.publicKeys())
      const { keys: published } = await keys.publicKeys()
      expect(published).toHaveLength(1)
      expect(published[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
      expect(Object.keys(published[0] ?? {})).not.toContain('d')
    })

    it('agree among processes that start at the same time', async () => {
      const database = await open()
      const both = [new TestAuth(database), new TestAuth(database)]
      const issued = await Promise.all(both.map(({ auth }) => auth.tokens.issue(tokenSubjectOf(null), [])))
      for (const { auth } of both) for (const { token } of issued) await auth.tokens.verify(token)
    })

    it('change without ending tokens, and other processes learn of the new one at once', async () => {
      const { test, keys, issue, verify } = await start()
      const other = new TestAuth(test.database)
      const { token: before } = await issue()
      await other.auth.tokens.verify(before)
      const { kid } = await keys.current()
      await Bun.sleep(1_000)
      await keys.rotate()
      expect((await keys.current()).kid).not.toBe(kid)
      expect((await keys.publicKeys()).keys).toHaveLength(2)
      const { token: after } = await issue()
      await verify(before)
      await verify(after)
      await other.auth.tokens.verify(after)
    })

    it('go for good when nothing they signed can be valid any more', async () => {
      const { test, keys, issue } = await start()
      await issue()
      await keys.rotate()
      test.ahead = 25 * 3_600_000
      await keys.rotate()
      expect(await test.database.all`select kid from signing_keys`).toHaveLength(2)
    })
  })
}
