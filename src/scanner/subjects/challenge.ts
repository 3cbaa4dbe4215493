/** One way to sign in that a server offers (RFC 9110, section 11.6.1). */
export interface OfferedChallenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

/** A scheme, or a parameter of the scheme before it; quoted values may hold commas. */
const PART = /[\s,]*([^\s,="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y

/** Reads `WWW-Authenticate`; what cannot be read ends the list. */
export function parseChallenges(header: string): OfferedChallenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  PART.lastIndex = 0
  for (let match = PART.exec(header); match; match = PART.exec(header)) {
    const [, word = '', quoted, bare] = match
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
    else challenges.at(-1)?.parameters.set(word.toLowerCase(), value)
  }
  return challenges
}
