/** How one ecosystem says which of two versions is older. */
export interface VersionOrder {
  /**
   * Negative when `a` is older, positive when it is newer, 0 when they are the same to the ecosystem.
   *
   * @returns null when either text is not a version of this ecosystem: nothing is guessed
   */
  compare(a: string, b: string): number | null
  isValid(text: string): boolean
}

/** Longer texts are no versions: an image may hold any, and every one of them is taken apart. */
export const maxVersionCharacters = 1024

/** Parsed versions that are kept; a scan compares the same few again and again. */
const maxRemembered = 20_000

/** Makes an order of a parser (null: not a version) and a comparison of what it parsed; parsed versions are remembered. */
export function versionOrder<K extends object>(
  parse: (text: string) => K | null,
  compare: (a: K, b: K) => number,
): VersionOrder {
  const remembered = new Map<string, K | null>()
  const keyOf = (text: string): K | null => {
    const held = remembered.get(text)
    if (held !== undefined) return held
    if (text.length > maxVersionCharacters) return null
    const key = parse(text)
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(text, key)
    return key
  }
  return {
    compare(a, b) {
      const left = keyOf(a)
      const right = keyOf(b)
      return left && right ? compare(left, right) : null
    },
    isValid: (text) => keyOf(text) !== null,
  }
}
