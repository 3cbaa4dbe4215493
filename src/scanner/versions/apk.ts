import { compareDigits, compareText } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

/** In the order of apk-tools: where two versions differ in kind, the later kind is the older version. */
const KINDS = ['first', 'digits', 'letter', 'suffix', 'suffix-number', 'hash', 'revision', 'end'] as const

interface Token {
  readonly kind: (typeof KINDS)[number]
  readonly text: string
}

/** From alpha to p; those before the empty word make a version older than the one without any. */
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p']

/** Digits may stand after the letter: packages such as `openssh-6.6.2p1` were published so. */
const GRAMMAR =
  /^(\d+)((?:\.\d+)*)(?:([a-z])(\d*))?((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?$/

/** Alpine's order: `digits(.digits)*[letter](_suffix[digits])*[~hash][-rN]` (apk-tools, apk-package(5)). */
export const apkOrder: VersionOrder = versionOrder(parse, compare)

function parse(text: string): readonly Token[] | null {
  const match = GRAMMAR.exec(text)
  if (!match) return null
  const [, first = '', more = '', letter, letterDigits, suffixes = '', hash, revision] = match
  const tokens: Token[] = [{ kind: 'first', text: first }]
  for (const digits of more.split('.').slice(1)) tokens.push({ kind: 'digits', text: digits })
  if (letter) tokens.push({ kind: 'letter', text: letter })
  if (letterDigits) tokens.push({ kind: 'digits', text: letterDigits })
  for (const [, word = '', digits = ''] of suffixes.matchAll(/_([a-z]+)(\d*)/g)) {
    tokens.push({ kind: 'suffix', text: word })
    if (digits) tokens.push({ kind: 'suffix-number', text: digits })
  }
  if (hash) tokens.push({ kind: 'hash', text: hash })
  if (revision) tokens.push({ kind: 'revision', text: revision })
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

function compare(a: readonly Token[], b: readonly Token[]): number {
  for (const [index, left] of a.entries()) {
    // Both end in `end`, so the shorter one never runs out before the kinds differ.
    const right = b[index]
    if (!right) return 1
    if (left.kind !== right.kind) return compareKinds(left, right)
    const difference = compareTokens(left, right)
    if (difference !== 0) return difference
  }
  return 0
}

function compareKinds(a: Token, b: Token): number {
  if (isPrerelease(a)) return -1
  if (isPrerelease(b)) return 1
  return KINDS.indexOf(b.kind) - KINDS.indexOf(a.kind)
}

function isPrerelease(token: Token): boolean {
  return token.kind === 'suffix' && SUFFIXES.indexOf(token.text) < SUFFIXES.indexOf('')
}

function compareTokens(a: Token, b: Token): number {
  switch (a.kind) {
    case 'suffix':
      return SUFFIXES.indexOf(a.text) - SUFFIXES.indexOf(b.text)
    case 'letter':
    case 'hash':
      return compareText(a.text, b.text)
    case 'digits':
      // A part that begins with 0 is read like what stands after a decimal point: 1.06 is older than 1.1.
      if (a.text.startsWith('0') || b.text.startsWith('0')) return compareText(a.text, b.text)
      return compareDigits(a.text, b.text)
    default:
      return compareDigits(a.text, b.text)
  }
}
