import { describe, expect, it } from 'bun:test'
import { PasswordSlots } from './password-slots.ts'
import { generatePassword } from './passwords.ts'
import { isSecret, makeSecret } from './secret-token.ts'
import { networkOf } from './sign-in-throttle.ts'
import { VerifiedTokens } from './verified-tokens.ts'

describe('a secret', () => {
  it('is told from noise by its checksum', () => {
    const secret = makeSecret('swp')
    expect(isSecret('swp', secret)).toBe(true)
    expect(isSecret('swr', secret)).toBe(false)
    expect(isSecret('swp', `${secret} `)).toBe(false)
    for (let i = 4; i < secret.length; i++) {
      const changed = secret.slice(0, i) + (secret[i] === 'a' ? 'b' : 'a') + secret.slice(i + 1)
      expect(isSecret('swp', changed)).toBe(false)
    }
  })

  it('is never the same', () => {
    expect(new Set(Array.from({ length: 1000 }, () => makeSecret('swp'))).size).toBe(1000)
    expect(new Set(Array.from({ length: 1000 }, generatePassword)).size).toBe(1000)
  })
})

describe('password slots', () => {
  it('let a few work, some wait and the rest go', async () => {
    const slots = new PasswordSlots(2, 3)
    let atOnce = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++atOnce)
      await Bun.sleep(5)
      atOnce--
    }
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => slots.run(work)))
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(5)
    expect(most).toBe(2)
    await slots.run(work)
  })

  it('are not all taken by one source', async () => {
    const slots = new PasswordSlots(1, 6, 2)
    const work = () => Bun.sleep(5)
    const flood = Array.from({ length: 9 }, () => slots.run(work, 'flood'))
    const others = ['a', 'b', 'c', 'd'].map((source) => slots.run(work, source))
    const done = async (runs: readonly Promise<void>[]) =>
      (await Promise.allSettled(runs)).filter((result) => result.status === 'fulfilled').length
    expect([await done(flood), await done(others)]).toEqual([3, 4])
  })

  it('come free when the work fails', async () => {
    const slots = new PasswordSlots(1, 0)
    await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await slots.run(async () => 'yes')).toBe('yes')
  })
})

describe('the network that failures are counted for', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unix', 'unix'],
    ['', ''],
  ])('of %j is %j', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('remembered tokens', () => {
  it('end when they expire, and the oldest go when there are too many', () => {
    const tokens = new VerifiedTokens<number>(30)
    for (let i = 0; i < 5; i++) tokens.remember(`token-000${i}`, { value: i, expiresAt: 100 })
    expect([0, 1, 2, 3, 4].map((i) => tokens.find(`token-000${i}`, 99))).toEqual([null, null, 2, 3, 4])
    expect(tokens.find('token-0004', 100)).toBeNull()
    tokens.remember('token-0002', { value: 9, expiresAt: 200 })
    expect(tokens.find('token-0002', 150)).toBe(9)
    tokens.remember('x'.repeat(31), { value: 1, expiresAt: 200 })
    expect(tokens.find('x'.repeat(31), 0)).toBeNull()
  })
})
