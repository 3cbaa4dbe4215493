/** What a verified token says, kept until it expires. */
export interface VerifiedToken<T> {
  readonly value: T
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Remembers verified tokens by their text, the latest ones, up to a number of characters. */
export class VerifiedTokens<T> {
  readonly #maxCharacters: number
  readonly #tokens = new Map<string, VerifiedToken<T>>()
  #characters = 0

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters
  }

  find(text: string, now: number): T | null {
    const found = this.#tokens.get(text)
    if (found === undefined) return null
    if (now < found.expiresAt) return found.value
    this.forget(text)
    return null
  }

  remember(text: string, token: VerifiedToken<T>): void {
    this.forget(text)
    this.#tokens.set(text, token)
    this.#characters += text.length
    // insertion order is age, and all live equally long: the first is the one that ends first
    for (const oldest of this.#tokens.keys()) {
      if (this.#characters <= this.#maxCharacters) break
      this.forget(oldest)
    }
  }

  forget(text: string): void {
    if (this.#tokens.delete(text)) this.#characters -= text.length
  }
}
