import { isIPv6 } from 'node:net'
import type { Clock } from '../core/clock.ts'
import { RegistryError } from '../core/errors.ts'
import type { Database } from '../storage/database.ts'

/** Failures of one name from one network, after which no more passwords are looked at until the window ends. */
const MAX_FAILURES = 10
const WINDOW_MS = 5 * 60_000

/** Slows down the guessing of passwords, whichever replica is asked: failures are counted in rows. */
export class SignInThrottle {
  readonly #database: Database
  readonly #now: Clock

  constructor(database: Database, now: Clock) {
    this.#database = database
    this.#now = now
  }

  /** @throws RegistryError `TOOMANYREQUESTS` with the seconds until the window ends */
  async check(name: string, address: string): Promise<void> {
    const now = this.#now()
    const row = await this.#database.first<{ failures: number; window_ends_at: number }>`
      select failures, window_ends_at from failed_sign_ins
      where source = ${sourceOf(name, address)} and window_ends_at > ${now}`
    if (!row || row.failures < MAX_FAILURES) return
    const retryAfterSeconds = Math.ceil((row.window_ends_at - now) / 1000)
    throw new RegistryError('TOOMANYREQUESTS', undefined, {
      retryAfterSeconds,
      message: `too many failed sign-ins: try again in ${retryAfterSeconds} seconds`,
    })
  }

  /** Counts a failure. The first one after a window's end begins a new window. */
  async noteFailure(name: string, address: string): Promise<void> {
    const now = this.#now()
    const source = sourceOf(name, address)
    await this.#database.transaction(async (tx) => {
      await tx.run`delete from failed_sign_ins where window_ends_at <= ${now}`
      await tx.run`
        insert into failed_sign_ins (source, failures, window_ends_at) values (${source}, 1, ${now + WINDOW_MS})
        on conflict (source) do update set failures = failed_sign_ins.failures + 1`
    })
  }

  async noteSuccess(name: string, address: string): Promise<void> {
    const source = sourceOf(name, address)
    const row = await this.#database.first`select 1 as yes from failed_sign_ins where source = ${source}`
    if (row) await this.#database.transaction((tx) => tx.run`delete from failed_sign_ins where source = ${source}`)
  }
}

/** Names come from outside and may be of any length, so what is kept is a hash. */
function sourceOf(name: string, address: string): string {
  return new Bun.CryptoHasher('sha256').update(`${networkOf(address)}\n${name}`).digest('hex')
}

/** A customer of IPv6 has a whole /64 at hand, so all of it counts as one address (RFC 6177). */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
