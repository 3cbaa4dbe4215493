import type { Severity } from '../../core/finding.ts'

const WORDS: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'critical'],
  ['high', 'high'],
  ['important', 'high'],
  ['moderate', 'medium'],
  ['medium', 'medium'],
  ['low', 'low'],
  ['negligible', 'negligible'],
  ['unimportant', 'negligible'],
  ['none', 'negligible'],
])

/** Reads a publisher's word for how bad something is; undefined for `unknown`, an empty text and words that rate nothing. */
export function severityOfWord(word: unknown): Severity | undefined {
  return typeof word === 'string' ? WORDS.get(word.trim().toLowerCase()) : undefined
}
