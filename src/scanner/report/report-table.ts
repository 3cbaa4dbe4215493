import type { Digest } from '../../core/digest.ts'
import { type Finding, SEVERITIES, type Severity } from '../../core/finding.ts'
import type { ScanReport } from './scan-report.ts'

/** How a table is drawn. */
export interface TableOptions {
  /** True on a terminal only. */
  readonly isColoured: boolean
  /** Characters in a line; what does not fit of the last column is cut. */
  readonly columns: number
}

/** ECMA-48 "select graphic rendition". */
const COLOURS: Readonly<Record<Severity, string>> = {
  critical: '1;31',
  high: '31',
  medium: '33',
  low: '36',
  negligible: '2',
  unknown: '35',
}

const HEAD = ['SEVERITY', 'VULNERABILITY', 'PACKAGE', 'INSTALLED', 'FIXED IN', 'BROUGHT BY'] as const

/** Between two columns. */
const gap = '  '

/** The report for people: findings worst first, the layer that brought each, and what is not known. */
export function reportTable(report: ScanReport, options: TableOptions): string {
  const { subject, packages, findings } = report
  const about = [subject.name, subject.digest, subject.platform].filter((part) => part !== null).map(printable)
  return [
    about.join(gap),
    `${distributionName(report)}, ${plural(packages.length, 'package')}`,
    '',
    ...(findings.length > 0 ? [...rows(report, options), ''] : []),
    summary(report),
    ...unknowns(report),
    '',
  ].join('\n')
}

function distributionName({ distribution }: ScanReport): string {
  if (!distribution) return 'Unknown distribution'
  return printable(distribution.prettyName ?? `${distribution.id} ${distribution.version}`.trim())
}

function rows(report: ScanReport, options: TableOptions): string[] {
  const steps = stepsOf(report)
  const cells = report.findings.map((finding) => cellsOf(finding, steps))
  const widths = HEAD.map((head, column) => Math.max(head.length, ...cells.map((row) => lengthOf(row[column] ?? ''))))
  const line = (row: readonly string[]) => {
    const text = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - lengthOf(cell))).join(gap)
    return cut(text.trimEnd(), options.columns)
  }
  return [
    line(HEAD),
    ...report.findings.map((finding, index) => coloured(line(cells[index] ?? []), finding.severity, options)),
  ]
}

function cellsOf(finding: Finding, steps: ReadonlyMap<Digest, string>): string[] {
  const { severity, id, package: name, version, fixedVersion, fixState, layer } = finding
  const step = layer === null ? '' : (steps.get(layer) ?? layer.slice(0, 19))
  return [severity, id, name, version, fixedVersion ?? `(${fixState})`, step].map(printable)
}

/** `2: RUN apt-get install ...`: the layer's place and the build step that made it. */
function stepsOf({ layers }: ScanReport): Map<Digest, string> {
  const steps = new Map<Digest, string>()
  for (const [index, { diffId, createdBy }] of layers.entries()) {
    if (diffId && !steps.has(diffId)) steps.set(diffId, createdBy ? `${index + 1}: ${createdBy}` : `${index + 1}`)
  }
  return steps
}

function coloured(line: string, severity: Severity, { isColoured }: TableOptions): string {
  return isColoured ? line.replace(severity, `\u001b[${COLOURS[severity]}m${severity}\u001b[0m`) : line
}

function summary({ findings, complete }: ScanReport): string {
  if (findings.length === 0) {
    return complete ? 'No known vulnerabilities.' : 'Nothing was found, but this does not mean that there is nothing.'
  }
  const counts = SEVERITIES.toReversed().flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count > 0 ? [`${count} ${severity}`] : []
  })
  const fixable = findings.filter((finding) => finding.fixedVersion !== null).length
  return `${plural(findings.length, 'finding')}: ${counts.join(', ')}. For ${fixable} there is a fix.`
}

function unknowns({ reasons }: ScanReport): string[] {
  return reasons.length === 0 ? [] : ['Not known:', ...reasons.map((reason) => `  - ${printable(reason)}`)]
}

function plural(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

/** Names and versions come out of the image: a terminal would obey the control characters in them. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd')
}

function lengthOf(text: string): number {
  return [...text].length
}

function cut(line: string, columns: number): string {
  const characters = [...line]
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(columns - 1, 1)).join('')}…`
}
