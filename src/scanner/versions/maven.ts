import { compareDigits, compareText } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

/** A number or a word with the separator before it; between a digit and a letter stands a hyphen in thought. */
interface Token {
  readonly separator: '.' | '-'
  readonly text: string
}

/** Maven's order (maven.apache.org/pom.html, "Version Order Specification"). */
export const mavenOrder: VersionOrder = versionOrder(parse, compare)

/** From older to newer; the empty word is a release, and words that are not here come after `sp`. */
const WORDS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp']
const ALIASES: Readonly<Record<string, string>> = { cr: 'rc', ga: '', final: '', release: '' }
/** Only before a digit: `1a1` is `1-alpha-1`, `1a` is not. */
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' }

function parse(text: string): readonly Token[] | null {
  const version = text.trim().toLowerCase()
  if (version === '' || /\s/.test(version)) return null
  return trimmed(tokensOf(version))
}

function tokensOf(version: string): Token[] {
  const tokens: Token[] = []
  let separator: Token['separator'] = '.'
  for (const [index, part] of version.split(/([.-])/).entries()) {
    if (index % 2 === 1) {
      separator = part === '.' ? '.' : '-'
      continue
    }
    const runs = part.match(/\d+|\D+/g) ?? ['0']
    for (const [at, run] of runs.entries()) {
      tokens.push({ separator: at === 0 ? separator : '-', text: wordOf(run, runs[at + 1]) })
    }
  }
  return tokens
}

function wordOf(run: string, next: string | undefined): string {
  const word = next === undefined ? run : (SHORT[run] ?? run)
  return ALIASES[word] ?? word
}

/** Takes nothings away from the end, and from before each hyphen that is left. */
function trimmed(tokens: readonly Token[]): Token[] {
  const kept: Token[] = []
  for (const token of tokens.toReversed()) {
    const next = kept.at(-1)
    const isLast = next === undefined || next.separator === '-'
    if (!(isLast && isNothing(token.text))) kept.push(token)
  }
  return kept.reverse()
}

function isNothing(text: string): boolean {
  return text === '' || /^0+$/.test(text)
}

function compare(a: readonly Token[], b: readonly Token[]): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const difference = compareTokens(a[at] ?? paddingFor(b[at]), b[at] ?? paddingFor(a[at]))
    if (difference !== 0) return difference
  }
  return 0
}

/** The shorter version goes on with what counts as nothing beside the longer one's token. */
function paddingFor(other: Token | undefined): Token {
  const isNumberOther = other !== undefined && isNumber(other.text)
  return { separator: other?.separator ?? '-', text: isNumberOther ? '0' : '' }
}

/** `.word`, `-word`, `-1`, `.1`: from older to newer. */
function compareTokens(a: Token, b: Token): number {
  const difference = kind(a) - kind(b)
  if (difference !== 0) return difference
  if (isNumber(a.text)) return compareDigits(a.text, b.text)
  return rank(a.text) - rank(b.text) || compareText(a.text, b.text)
}

function kind(token: Token): number {
  if (!isNumber(token.text)) return token.separator === '.' ? 0 : 1
  return token.separator === '-' ? 2 : 3
}

function rank(word: string): number {
  const known = WORDS.indexOf(word)
  return known < 0 ? WORDS.length : known
}

function isNumber(text: string): boolean {
  return /^\d/.test(text)
}
