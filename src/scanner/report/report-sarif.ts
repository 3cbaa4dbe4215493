import type { Finding, Severity } from '../../core/finding.ts'
import type { ScanReport } from './scan-report.ts'

/** What code hosts show a result as (SARIF 2.1.0, 3.27.10). */
const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  negligible: 'note',
  unknown: 'note',
}

/** Code hosts sort by a number: the middle of each rating's span in CVSS. None is given for what nobody rated. */
const SCORES: Readonly<Record<Severity, string | null>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  negligible: '0.0',
  unknown: null,
}

/** The report as SARIF 2.1.0, for code hosts and editors; the same scan gives the same text. */
export function reportSarif(report: ScanReport, version: string): string {
  const rules = [...Map.groupBy(report.findings, (finding) => finding.id).values()]
  const indexes = new Map(rules.map(([first], index) => [first?.id, index]))
  const paths = new Map(report.packages.map((pkg) => [pkg.purl, pkg.path]))
  const value = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Seawall', version, rules: rules.flatMap(([first]) => (first ? [ruleOf(first)] : [])) },
        },
        automationDetails: { id: `seawall/${report.subject.name}/` },
        originalUriBaseIds: { IMAGE: { description: { text: `The root folder of ${report.subject.name}` } } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: report.reasons.map((text) => ({ level: 'warning', message: { text } })),
          },
        ],
        properties: { subject: report.subject, complete: report.complete },
        columnKind: 'utf16CodeUnits',
        results: report.findings.map((finding) => ({
          ...resultOf(finding, paths.get(finding.purl) ?? '/'),
          ruleIndex: indexes.get(finding.id),
        })),
      },
    ],
  }
  return `${JSON.stringify(value, null, 2)}\n`
}

function ruleOf(finding: Finding): object {
  const { id, title, severity, aliases } = finding
  const score = SCORES[severity]
  return {
    id,
    shortDescription: { text: title ?? id },
    helpUri: addressOf(id),
    properties: {
      tags: ['security', 'vulnerability', ...aliases],
      ...(score !== null && { 'security-severity': score }),
    },
  }
}

function resultOf(finding: Finding, path: string): object {
  const { id, package: name, version, purl, severity, fixedVersion, fixState, layer, advisory } = finding
  const remedy = fixedVersion === null ? `No fixed version is known (${fixState}).` : `Fixed in ${fixedVersion}.`
  return {
    ruleId: id,
    level: LEVELS[severity],
    message: { text: `${name} ${version} has ${id} (${severity}). ${remedy}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: relativeUri(path), uriBaseId: 'IMAGE' },
          region: { startLine: 1 },
        },
        logicalLocations: [{ fullyQualifiedName: purl, kind: 'package' }],
      },
    ],
    partialFingerprints: { 'seawall/v1': `${id}:${purl}` },
    properties: { severity, fixedVersion, fixState, layer, advisory },
  }
}

/** A path of the image as an address below its root; it may hold anything that a file name may. */
function relativeUri(path: string): string {
  return path.replace(/^\/+/, '').toWellFormed().split('/').map(encodeURIComponent).join('/')
}

function addressOf(id: string): string {
  if (id.startsWith('CVE-')) return `https://www.cve.org/CVERecord?id=${encodeURIComponent(id)}`
  if (id.startsWith('GHSA-')) return `https://github.com/advisories/${encodeURIComponent(id)}`
  return `https://osv.dev/vulnerability/${encodeURIComponent(id)}`
}
