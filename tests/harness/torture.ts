/** Whether this is the long form, `npm run torture`, or the short one of `npm test`. */
export const IS_LONG = process.env.SEAWALL_TORTURE === 'long'

/** How often something is done: seldom in `npm test`, often in the long form, or as `SEAWALL_TORTURE_ROUNDS` says. */
export function rounds(short: number, long: number): number {
  const asked = Number(process.env.SEAWALL_TORTURE_ROUNDS ?? 0)
  if (Number.isSafeInteger(asked) && asked > 0) return asked
  return IS_LONG ? long : short
}

/** Chance that can be had again: the same seed gives the same numbers (the generator "mulberry32"). */
export class Chance {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed
    this.#state = seed | 0
  }

  /** From 0 to less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  happens(share: number): boolean {
    return this.next() < share
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)]
    if (one === undefined) throw new RangeError('nothing to pick from')
    return one
  }

  /** Bytes that no compression can stand for. */
  bytes(size: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(size / 4))
    for (let at = 0; at < words.length; at++) words[at] = this.next() * 2 ** 32
    return new Uint8Array(words.buffer, 0, size)
  }

  /** A chance of its own for somebody who works at the same time, so that the order of work changes no numbers. */
  fork(): Chance {
    return new Chance(this.below(2 ** 31))
  }
}

/** The chance of one part of the torture suite; says how to have it again. `SEAWALL_TORTURE_SEED` names the seed. */
export function chanceOf(part: string): Chance {
  const asked = process.env.SEAWALL_TORTURE_SEED
  const seed = asked === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(asked)
  if (!Number.isSafeInteger(seed)) throw new TypeError(`SEAWALL_TORTURE_SEED is not a whole number: ${asked}`)
  console.log(`${part}: SEAWALL_TORTURE_SEED=${seed}`)
  return new Chance(seed)
}
