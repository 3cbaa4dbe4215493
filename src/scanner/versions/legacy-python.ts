import { compareText } from './digits.ts'

/** Words that meant something before PEP 440; the rest sorts as text. */
const WORDS: Readonly<Record<string, string>> = { pre: 'c', preview: 'c', rc: 'c', '-': 'final-', dev: '@' }

/** Takes a version that is not PEP 440 apart, as setuptools did before PEP 440: words marked by `*`, numbers padded. */
export function legacyKey(version: string): readonly string[] {
  const parts: string[] = []
  for (const part of [...rawParts(version), '*final']) {
    if (part.startsWith('*')) {
      if (part < '*final') while (parts.at(-1) === '*final-') parts.pop()
      while (parts.at(-1) === '00000000') parts.pop()
    }
    parts.push(part)
  }
  return parts
}

/** Compares two keys part by part; a key that ends first is older. */
export function compareLegacy(a: readonly string[], b: readonly string[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at]
    if (right === undefined) return 1
    const difference = compareText(left, right)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

function rawParts(version: string): string[] {
  const parts: string[] = []
  for (const raw of version.split(/(\d+|[a-z]+|\.|-)/)) {
    if (raw === '' || raw === '.') continue
    parts.push(/^\d/.test(raw) ? raw.padStart(8, '0') : `*${WORDS[raw] ?? raw}`)
  }
  return parts
}
