import { RegistryError } from '../core/errors.ts'
import { PasswordSlots } from './password-slots.ts'

/**
 * Argon2id with 9 MiB and four passes: of the settings that the OWASP password storage recommendation holds for equally
 * strong, the one with less memory, as it comes on top of everything else that the server holds at that moment.
 */
const ARGON2ID = { algorithm: 'argon2id', memoryCost: 9_216, timeCost: 4 } as const

/** How many passwords are hashed at once: together they take 18 MiB and two threads. */
const AT_ONCE = 2
const MAX_WAITING = 100
const MAX_WAITING_PER_SOURCE = 50

const MIN_CHARACTERS = 8
const MAX_BYTES = 1024

/** Tells whether a password is the one that was hashed. */
export type PasswordCheck = (password: string, hash: string | null) => Promise<boolean>

/** Hashes and checks passwords, a few at a time. */
export class Passwords {
  readonly #slots = new PasswordSlots(AT_ONCE, MAX_WAITING, MAX_WAITING_PER_SOURCE)
  #dummyHash: Promise<string> | null = null

  /** @throws RegistryError `INVALID` when it is too short or too long, `TOOMANYREQUESTS` */
  async hash(password: string): Promise<string> {
    if (password.length < MIN_CHARACTERS || Buffer.byteLength(password) > MAX_BYTES) {
      const message = `a password has at least ${MIN_CHARACTERS} characters and at most ${MAX_BYTES} bytes`
      throw new RegistryError('INVALID', undefined, { message })
    }
    return this.#slots.run(() => Bun.password.hash(password, ARGON2ID))
  }

  /** Checks a password as `inTurn` does, with nothing around it. @throws RegistryError `TOOMANYREQUESTS` */
  matches(password: string, hash: string | null): Promise<boolean> {
    return this.inTurn((check) => check(password, hash))
  }

  /**
   * Runs `work` when few enough others are at it; what must be counted together with a check belongs inside.
   *
   * Without a hash (an unknown user, one without a password) a check takes as long and answers false, so that the time
   * tells nothing.
   *
   * @param source  whom the turn is for: a network, so that one cannot take all the places
   * @throws RegistryError `TOOMANYREQUESTS` when too many wait; what `work` throws comes through
   */
  inTurn<T>(work: (check: PasswordCheck) => Promise<T>, source = ''): Promise<T> {
    return this.#slots.run(() => work((password, hash) => this.#verify(password, hash)), source)
  }

  async #verify(password: string, hash: string | null): Promise<boolean> {
    if (Buffer.byteLength(password) > MAX_BYTES) return false
    const isMatch = await Bun.password.verify(password, hash ?? (await this.#dummy()))
    return isMatch && hash !== null
  }

  #dummy(): Promise<string> {
    this.#dummyHash ??= Bun.password.hash(crypto.randomUUID(), ARGON2ID)
    return this.#dummyHash
  }
}

/** A password that nobody has to choose: 24 characters, 140 bits, none that is easily misread. */
export function generatePassword(): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'
  let password = ''
  while (password.length < 24) {
    // a byte beyond the last whole multiple of the alphabet would favour its first letters
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < 256 - (256 % letters.length) && password.length < 24) password += letters[byte % letters.length]
    }
  }
  return password
}
