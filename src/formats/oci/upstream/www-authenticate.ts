/** One way to sign in that a server offers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string
  /** By name in lower case; the first of two of the same name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

/** RFC 9110, section 5.6.2. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const SKIPPED = /[ \t,]*/y
/** `name = value`, with a quoted or a bare value; blanks around the sign are bad but must be read (section 11.2). */
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s",]+))(?=[ \\t,]|$)`, 'y')
/** A scheme stands alone, or before a blank and either parameters or one value in the form of `token68`. */
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, 'y')
const TOKEN_68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y

/** Longest header that is read; what servers send has some hundred characters. */
const MOST_CHARACTERS = 8_192

/**
 * Reads `WWW-Authenticate`: several challenges in one line, or several lines joined by commas. What cannot be read ends
 * the list; what was read before stays.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const text = header.slice(0, MOST_CHARACTERS)
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match) at = pattern.lastIndex
    return match
  }
  for (;;) {
    take(SKIPPED)
    const parameter = take(PARAMETER)
    const current = challenges.at(-1)
    if (parameter && !current) return challenges // a parameter of nothing
    if (parameter && current) {
      const [, name = '', quoted, bare = ''] = parameter
      const key = name.toLowerCase()
      const value = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1')
      if (!current.parameters.has(key)) current.parameters.set(key, value)
      continue
    }
    const scheme = take(SCHEME)?.[1]
    if (scheme === undefined) return challenges
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    if (!looksLikeParameter(text, at)) take(TOKEN_68)
  }
}

const PARAMETER_AHEAD = new RegExp(`[ \\t]+${TOKEN}[ \\t]*=[ \\t]*[^\\s,=]`, 'y')

/** `a=b` is a parameter, `a==` one value of the old form. */
function looksLikeParameter(text: string, at: number): boolean {
  PARAMETER_AHEAD.lastIndex = at
  return PARAMETER_AHEAD.test(text)
}
