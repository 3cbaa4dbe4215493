import { type Measurement, type Report, titleOf } from './measurement.ts'
import { findShortfalls, speedRatio } from './shortfalls.ts'

/** The whole report as Markdown: the table, where we are behind, memory, versions, and what was left out. */
export function formatReport(report: Report): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  const [ours = ''] = Object.keys(report.versions)
  return [
    `${report.machine}; ${versions.join(', ')}.`,
    'Every cell: throughput (ratio to the first column), 99th percentile, CPU of the server. Medians.',
    '',
    ...measurementTable(report),
    '',
    `Where ${ours} is not ahead of everybody:`,
    '',
    ...listOr('nowhere', findShortfalls(report.measurements, ours)),
    '',
    'Peak resident memory of each phase, MB:',
    '',
    ...memoryTable(report.memory),
    '',
    ...report.notes.map((note) => `- ${note}`),
    '',
  ].join('\n')
}

function listOr(nothing: string, lines: readonly string[]): string[] {
  return (lines.length > 0 ? lines : [nothing]).map((line) => `- ${line}`)
}

function measurementTable({ measurements, versions }: Report): string[] {
  const order = Object.keys(versions)
  const place = (contender: string) => order.findIndex((name) => contender.startsWith(name))
  const contenders = unique(measurements.map(({ contender }) => contender)).sort((a, b) => place(a) - place(b))
  const rows = unique(measurements.map(titleOf)).map((title) => {
    const cells = contenders.map((contender) =>
      measurements.find((found) => titleOf(found) === title && found.contender === contender),
    )
    const base = cells.find((cell) => cell !== undefined)
    return [title, ...cells.map((cell) => (cell && base ? formatCell(cell, base) : '-'))]
  })
  return markdownTable([['', ...contenders], ...rows])
}

function formatCell(cell: Measurement, base: Measurement): string {
  const ratio = cell === base ? '' : ` (${round(speedRatio(cell, base))}x)`
  const p99 = cell.p99Ms === undefined ? [] : [`${round(cell.p99Ms)} ms`]
  const value = cell.rate < 100 ? String(Number(cell.rate.toPrecision(2))) : Math.round(cell.rate).toLocaleString('en')
  return [`${value}${cell.rateUnit}${ratio}`, ...p99, `${round(cell.cpu)}${cell.cpuUnit}`].join(', ')
}

/** Two digits that count are enough for a figure that moves by some per cent from run to run. */
function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)))
}

function memoryTable(memory: Report['memory']): string[] {
  const contenders = unique(memory.map(({ contender }) => contender))
  const rows = unique(memory.map(({ phase }) => phase)).map((phase) => {
    const cells = contenders.map((contender) =>
      memory.find((found) => found.phase === phase && found.contender === contender),
    )
    return [phase, ...cells.map((cell) => (cell ? String(Math.round(cell.peakBytes / 1e6)) : '-'))]
  })
  return markdownTable([['', ...contenders], ...rows])
}

function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  return lines
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
