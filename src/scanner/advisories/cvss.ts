import { Cvss2, Cvss3P0, Cvss3P1, Cvss4P0 } from 'ae-cvss-calculator'
import type { Severity } from '../../core/finding.ts'
import { CVSS_2, CVSS_3, CVSS_4, type CvssGrammar } from './cvss-grammar.ts'

/** What a CVSS vector comes to. */
export interface CvssRating {
  readonly version: '2.0' | '3.0' | '3.1' | '4.0'
  /** 0 to 10, in tenths. */
  readonly score: number
  readonly severity: Severity
}

/** Longest vector that has a meaning is about 250 characters. */
const maxVectorCharacters = 512

/** Feeds repeat the same few thousand vectors. */
const maxRemembered = 10_000
const remembered = new Map<string, CvssRating | null>()

/** Works out the rating of a CVSS vector (first.org, versions 2.0 to 4.0); null when the text is not a valid one. */
export function rateCvss(text: string): CvssRating | null {
  if (text.length > maxVectorCharacters) return null
  const held = remembered.get(text)
  if (held !== undefined) return held
  const rating = rate(text.trim())
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(text, rating)
  return rating
}

function rate(vector: string): CvssRating | null {
  // The calculator takes whatever it can make sense of; what is a vector is decided by the grammar first.
  if (isVector(vector, 'CVSS:4.0/', CVSS_4)) return ratingOf('4.0', new Cvss4P0(vector).calculateScores().overall)
  if (isVector(vector, 'CVSS:3.1/', CVSS_3)) return ratingOf('3.1', new Cvss3P1(vector).calculateScores().overall)
  if (isVector(vector, 'CVSS:3.0/', CVSS_3)) return ratingOf('3.0', new Cvss3P0(vector).calculateScores().overall)
  if (isVector(vector, '', CVSS_2)) return ratingOf('2.0', new Cvss2(vector).calculateScores().overall)
  return null
}

function ratingOf(version: CvssRating['version'], score: number): CvssRating {
  return { version, score, severity: severityOf(version, score) }
}

/** The qualitative scale (CVSS 3.1, section 5); version 2 had no critical. A score of 0 does no harm. */
function severityOf(version: CvssRating['version'], score: number): Severity {
  if (score >= 9 && version !== '2.0') return 'critical'
  if (score >= 7) return 'high'
  if (score >= 4) return 'medium'
  return score > 0 ? 'low' : 'negligible'
}

function isVector(text: string, prefix: string, grammar: CvssGrammar): boolean {
  if (!text.startsWith(prefix)) return false
  const given = text.slice(prefix.length).split('/')
  let last = -1
  const seen = new Set<string>()
  for (const part of given) {
    const [name = '', value = '', ...more] = part.split(':')
    const at = grammar.metrics.findIndex((metric) => metric.name === name)
    if (more.length > 0 || seen.has(name) || !grammar.metrics[at]?.values.includes(value)) return false
    if (grammar.isOrdered && at < last) return false
    seen.add(name)
    last = at
  }
  return (
    grammar.wholeGroups.every((group) => isWholeOrAbsent(seen, group)) && grammar.base.every((name) => seen.has(name))
  )
}

function isWholeOrAbsent(seen: ReadonlySet<string>, group: readonly string[]): boolean {
  const there = group.filter((name) => seen.has(name)).length
  return there === 0 || there === group.length
}
