import { compareSeverity, type Severity } from '../core/finding.ts'
import type { PolicyRule } from '../core/repository.ts'

/** A finding as far as a rule looks at it. */
export interface JudgedFinding {
  readonly id: string
  readonly package: string
  readonly version: string
  readonly severity: Severity
  readonly fixedVersion: string | null
}

/** What is known of an image when somebody asks for it. */
export interface ImageFacts {
  /** `scanned`: everything was read and matched; `unknown`: not, and `reasons` say why; `exempt`: not an image. */
  readonly state: 'scanned' | 'unknown' | 'exempt'
  readonly reasons: readonly string[]
  readonly findings: readonly JudgedFinding[]
}

/** What a rule says of a pull, and why, in sentences for the person who pulls. */
export interface Verdict {
  readonly decision: 'allow' | 'warn' | 'deny'
  readonly reasons: readonly string[]
  /** The findings that decided, worst first. */
  readonly findings: readonly JudgedFinding[]
}

const ALLOWED: Verdict = { decision: 'allow', reasons: [], findings: [] }

/** Applies a repository's rule to what is known of an image: what was found, and what is not known. The stricter counts. */
export function judge(rule: PolicyRule, facts: ImageFacts): Verdict {
  if (rule.mode === 'off' || facts.state === 'exempt') return ALLOWED
  const findings = facts.findings.filter((finding) => objectsTo(rule, finding)).sort(worstFirst)
  const forFindings = findings.length > 0 ? rule.mode : 'allow'
  const forUnknown = facts.state === 'unknown' ? rule.unscanned : 'allow'
  const reasons = [
    ...(forFindings === 'allow' ? [] : [describe(rule, findings)]),
    ...(forUnknown === 'allow' ? [] : [describeUnknown(facts.reasons)]),
  ].map(printable)
  if (reasons.length === 0) return ALLOWED
  return { decision: [forFindings, forUnknown].includes('deny') ? 'deny' : 'warn', reasons, findings }
}

/** Whether a finding counts under a rule. */
export function objectsTo(rule: PolicyRule, finding: JudgedFinding): boolean {
  if (rule.onlyFixable && finding.fixedVersion === null) return false
  return compareSeverity(finding.severity, rule.blockSeverity) >= 0
}

/** Findings shown by name in one message: clients print it on one line. */
const SHOWN = 5

function describe(rule: PolicyRule, findings: readonly JudgedFinding[]): string {
  const kind = `${rule.onlyFixable ? 'fixable ' : ''}${rule.blockSeverity === 'critical' ? 'critical' : `${rule.blockSeverity} or worse`}`
  const shown = findings.slice(0, SHOWN).map(describeFinding).join('; ')
  const rest = findings.length > SHOWN ? `; and ${findings.length - SHOWN} more` : ''
  return `${findings.length} ${kind} ${findings.length === 1 ? 'vulnerability' : 'vulnerabilities'}: ${shown}${rest}`
}

function describeFinding(finding: JudgedFinding): string {
  const cure = finding.fixedVersion === null ? 'no fix yet' : `fixed in ${finding.fixedVersion}`
  return `${finding.id} (${finding.severity}) in ${finding.package} ${finding.version}, ${cure}`
}

function describeUnknown(reasons: readonly string[]): string {
  const known = 'it is not known whether this image is vulnerable'
  return reasons.length === 0 ? known : `${known}: ${reasons.slice(0, 3).join('; ')}`
}

/** Names and versions come out of images, and clients print them as they are: what steers a terminal is taken out. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function worstFirst(a: JudgedFinding, b: JudgedFinding): number {
  return compareSeverity(b.severity, a.severity) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
