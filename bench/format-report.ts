import type { Measurement, Report } from './measurement.ts'

/** The whole report as Markdown: the table, memory, versions, and what was left out. */
export function formatReport(report: Report): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${report.machine}; ${versions.join(', ')}.`,
    'Every cell: throughput (ratio to the first column), 99th percentile, CPU of the server. Medians.',
    '',
    ...measurementTable(report),
    '',
    'Peak resident memory, MB:',
    '',
    ...memoryTable(report.memory),
    '',
    ...report.notes.map((note) => `- ${note}`),
    '',
  ].join('\n')
}

function measurementTable({ measurements, versions }: Report): string[] {
  const order = Object.keys(versions)
  const place = (contender: string) => order.findIndex((name) => contender.startsWith(name))
  const contenders = unique(measurements.map(({ contender }) => contender)).sort((a, b) => place(a) - place(b))
  const rows = unique(measurements.map(({ measure }) => measure)).map((measure) => {
    const cells = contenders.map((contender) =>
      measurements.find((found) => found.measure === measure && found.contender === contender),
    )
    const base = cells.find((cell) => cell !== undefined)
    return [measure, ...cells.map((cell) => (cell && base ? formatCell(cell, base) : '-'))]
  })
  return markdownTable([['', ...contenders], ...rows])
}

function formatCell(cell: Measurement, base: Measurement): string {
  const ratio = cell === base ? '' : ` (${round(cell.rate / base.rate)}x)`
  const p99 = cell.p99Ms === undefined ? [] : [`${round(cell.p99Ms)} ms`]
  const rate = `${Math.round(cell.rate).toLocaleString('en')}${cell.rateUnit}${ratio}`
  return [rate, ...p99, `${round(cell.cpu)}${cell.cpuUnit}`].join(', ')
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
