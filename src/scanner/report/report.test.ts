import { describe, expect, it } from 'bun:test'
import { digestOf } from '../../core/digest.ts'
import type { Finding } from '../../core/finding.ts'
import { reportJson } from './report-json.ts'
import { reportSarif } from './report-sarif.ts'
import { reportTable } from './report-table.ts'
import type { ScanReport } from './scan-report.ts'

const layer = digestOf('layer')
const finding: Finding = {
  id: 'CVE-2024-1',
  aliases: ['GHSA-a'],
  package: 'libcurl4',
  version: '7.88.1-10',
  purl: 'pkg:deb/debian/libcurl4@7.88.1-10',
  severity: 'high',
  fixedVersion: '7.88.1-10+deb12u1',
  fixState: 'fixed',
  title: 'A flaw',
  layer,
  advisory: { source: 'debian-tracker', revision: 'sha256:1' },
}
const open: Finding = {
  ...finding,
  id: 'CVE-2024-2',
  package: 'evil\u001b[2J',
  severity: 'unknown',
  fixedVersion: null,
  fixState: 'will-not-fix',
}
const report: ScanReport = {
  subject: { name: 'demo/app:1', digest: digestOf('manifest'), platform: 'linux/amd64' },
  distribution: { id: 'debian', version: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)' },
  packages: [
    {
      type: 'deb',
      name: 'libcurl4',
      version: '7.88.1-10',
      purl: finding.purl,
      source: { name: 'curl', version: '7.88.1-10' },
      path: '/var/lib/dpkg/status',
      layer,
    },
    { type: 'npm', name: 'a', version: '1.0.0', purl: 'pkg:npm/a@1.0.0', source: null, path: '/a b/ü%', layer: null },
  ],
  findings: [finding, open],
  feeds: [
    {
      source: 'debian-tracker',
      revision: 'sha256:1',
      updatedAt: 1_700_000_000_000,
      importedAt: 1_700_000_000_001,
      count: 7,
      ecosystems: ['Debian:12'],
    },
  ],
  layers: [
    { diffId: digestOf('base'), createdBy: null },
    { diffId: layer, createdBy: 'RUN apt-get install curl' },
  ],
  complete: false,
  reasons: ['no advisories for npm have been imported: nothing can be said about 1 npm package'],
}

describe('the report for programs', () => {
  it('has the promised fields', () => {
    const value = JSON.parse(reportJson(report))
    expect(value.subject).toEqual({ name: 'demo/app:1', digest: digestOf('manifest'), platform: 'linux/amd64' })
    expect(value.distribution).toEqual({ id: 'debian', version: '12' })
    expect(value.packages[0]).toMatchObject({ type: 'deb', name: 'libcurl4', source: 'curl', layer })
    expect(value.packages[1]).toMatchObject({ type: 'npm', source: null, sourceVersion: null, layer: null })
    expect(value.findings[1]).toMatchObject({ id: 'CVE-2024-2', fixedVersion: null, aliases: ['GHSA-a'] })
    expect(value.advisories).toEqual([
      { source: 'debian-tracker', updatedAt: '2023-11-14T22:13:20.000Z', count: 7, revision: 'sha256:1' },
    ])
    expect([value.complete, value.reasons]).toEqual([false, report.reasons])
  })

  it('says null where there is no distribution', () => {
    expect(JSON.parse(reportJson({ ...report, distribution: null })).distribution).toBeNull()
  })
})

describe('the report as SARIF', () => {
  const run = JSON.parse(reportSarif(report, '1.2.3')).runs[0]

  it('has a rule for each vulnerability and points every result at its rule', () => {
    expect(run.tool.driver.rules.map((rule: { id: string }) => rule.id)).toEqual(['CVE-2024-1', 'CVE-2024-2'])
    for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
    expect(run.tool.driver.rules[0].properties['security-severity']).toBe('8.0')
    expect(run.tool.driver.rules[1].properties['security-severity']).toBeUndefined()
    expect(run.results.map((result: { level: string }) => result.level)).toEqual(['error', 'note'])
  })

  it('says where the evidence is, as an address', () => {
    const [location] = run.results[0].locations
    expect(location.physicalLocation.artifactLocation).toEqual({ uri: 'var/lib/dpkg/status', uriBaseId: 'IMAGE' })
    const odd = { ...finding, purl: 'pkg:npm/a@1.0.0' }
    const uri = JSON.parse(reportSarif({ ...report, findings: [odd] }, '1')).runs[0].results[0].locations[0]
    expect(uri.physicalLocation.artifactLocation.uri).toBe('a%20b/%C3%BC%25')
  })

  it('warns of what is not known', () => {
    expect(run.invocations[0].toolExecutionNotifications).toEqual([
      { level: 'warning', message: { text: report.reasons[0] } },
    ])
  })

  it('is the same text for the same scan', () => {
    expect(reportSarif(report, '1')).toBe(reportSarif(report, '1'))
  })
})

describe('the report for people', () => {
  it('is a table with the step that brought each package, and with what is not known', () => {
    expect(reportTable(report, { isColoured: false, columns: 200 }).split('\n').slice(1)).toEqual([
      'Debian GNU/Linux 12 (bookworm), 2 packages',
      '',
      'SEVERITY  VULNERABILITY  PACKAGE   INSTALLED  FIXED IN           BROUGHT BY',
      'high      CVE-2024-1     libcurl4  7.88.1-10  7.88.1-10+deb12u1  2: RUN apt-get install curl',
      'unknown   CVE-2024-2     evil�[2J  7.88.1-10  (will-not-fix)     2: RUN apt-get install curl',
      '',
      '2 findings: 1 high, 1 unknown. For 1 there is a fix.',
      'Not known:',
      '  - no advisories for npm have been imported: nothing can be said about 1 npm package',
      '',
    ])
  })

  it('has colours only when asked for', () => {
    expect(reportTable(report, { isColoured: false, columns: 80 })).not.toContain('\u001b')
    expect(reportTable(report, { isColoured: true, columns: 80 })).toContain('\u001b[31mhigh\u001b[0m')
  })

  it('fits into the width of the terminal', () => {
    const lines = reportTable(report, { isColoured: false, columns: 60 }).split('\n').slice(3, 6)
    expect(lines.map((line) => [...line].length)).toEqual([60, 60, 60])
  })

  it('calls clean only what is known to be', () => {
    const nothing = { ...report, findings: [] }
    expect(reportTable({ ...nothing, complete: true, reasons: [] }, { isColoured: false, columns: 80 })).toContain(
      'No known vulnerabilities.',
    )
    expect(reportTable(nothing, { isColoured: false, columns: 80 })).toContain('does not mean that there is nothing')
  })
})
