import { matchesWildcard } from './wildcard.ts'

/** Tells whether a tag fits one of some patterns: `*` stands for any text, everything else for itself, case and all. */
export function fitsTagPattern(patterns: readonly string[], tag: string): boolean {
  return patterns.some((pattern) => matchesWildcard(pattern, tag))
}
