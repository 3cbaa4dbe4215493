import { describe, expect, it } from 'bun:test'
import type { PolicyRule } from '../core/repository.ts'
import { type ImageFacts, type JudgedFinding, judge } from './judge.ts'

const RULE: PolicyRule = { mode: 'deny', blockSeverity: 'high', onlyFixable: false, unscanned: 'warn' }

function finding(more: Partial<JudgedFinding> = {}): JudgedFinding {
  return { id: 'CVE-2024-1', package: 'zlib', version: '1.0', severity: 'critical', fixedVersion: '1.1', ...more }
}

function scanned(...findings: JudgedFinding[]): ImageFacts {
  return { state: 'scanned', reasons: [], findings }
}

function unknown(...findings: JudgedFinding[]): ImageFacts {
  return { state: 'unknown', reasons: ['no advisories for Debian 12 have been imported'], findings }
}

describe('a rule', () => {
  it('that is off, and what is exempt, let everything pass', () => {
    expect(judge({ ...RULE, mode: 'off', unscanned: 'deny' }, unknown(finding())).decision).toBe('allow')
    expect(judge({ ...RULE, unscanned: 'deny' }, { state: 'exempt', reasons: [], findings: [] }).decision).toBe('allow')
  })

  it.each([
    ['critical', 'deny'],
    ['high', 'deny'],
    ['medium', 'allow'],
    ['unknown', 'allow'],
  ] as const)('that begins at high says of a finding that is %s: %s', (severity, decision) => {
    expect(judge(RULE, scanned(finding({ severity }))).decision).toBe(decision)
  })

  it('only about the fixable leaves out what has no fix', () => {
    const rule = { ...RULE, onlyFixable: true }
    expect(judge(rule, scanned(finding({ fixedVersion: null }))).decision).toBe('allow')
    expect(judge(rule, scanned(finding({ fixedVersion: null }), finding())).findings.length).toBe(1)
  })

  it.each([
    ['warn', 'deny', 'deny'],
    ['deny', 'warn', 'deny'],
    ['warn', 'allow', 'warn'],
    ['warn', 'warn', 'warn'],
    ['deny', 'allow', 'deny'],
  ] as const)(
    'with mode %s and unscanned %s says of findings in what is not wholly known: %s',
    (mode, unscanned, decision) => {
      expect(judge({ ...RULE, mode, unscanned }, unknown(finding())).decision).toBe(decision)
    },
  )

  it.each(['allow', 'warn', 'deny'] as const)('says of what is not known what it was set to: %s', (unscanned) => {
    const verdict = judge({ ...RULE, unscanned }, unknown())
    expect(verdict.decision).toBe(unscanned)
    expect(verdict.reasons.join()).toContain(unscanned === 'allow' ? '' : 'no advisories for Debian 12')
  })

  it('tells the worst first with package, version and cure, and how many more there are', () => {
    const low = Array.from({ length: 6 }, (_, n) =>
      finding({ id: `CVE-2023-${n}`, severity: 'high', fixedVersion: null }),
    )
    const verdict = judge(RULE, scanned(...low, finding()))
    expect(verdict.reasons).toEqual([
      '7 high or worse vulnerabilities: CVE-2024-1 (critical) in zlib 1.0, fixed in 1.1; ' +
        'CVE-2023-0 (high) in zlib 1.0, no fix yet; CVE-2023-1 (high) in zlib 1.0, no fix yet; ' +
        'CVE-2023-2 (high) in zlib 1.0, no fix yet; CVE-2023-3 (high) in zlib 1.0, no fix yet; and 2 more',
    ])
  })

  it('lets nothing out of an image steer the terminal of who pulls', () => {
    const esc = String.fromCharCode(27)
    const hostile = `1.0${esc}[2J\r\n\u202e\u2028`
    const verdict = judge(
      { ...RULE, unscanned: 'deny' },
      { ...unknown(finding({ version: hostile })), reasons: [hostile] },
    )
    expect(verdict.reasons.join()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
  })
})
