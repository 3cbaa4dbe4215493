import { type BarChart, barChart } from './bar-chart.ts'
import { type LineChart, lineChart } from './line-chart.ts'
import type { Conditions, Measurement, Report } from './measurement.ts'

/** Everything that a report has enough figures for, as SVG by file name. */
export function drawCharts(report: Report): Record<string, string> {
  const lines: [string, LineChart][] = [
    ['manifests-by-tags', byTags(report, 'manifest GET by tag', 'Manifests by tag, while the image gets more tags')],
    ['tag-pages-by-tags', byTags(report, 'tags page of 100', 'Pages of tags, while the image gets more tags')],
  ]
  const bars: [string, BarChart][] = [
    ['blob-cpu', blobCpu(report)],
    ['memory', memory(report)],
  ]
  return Object.fromEntries([
    ...lines
      .filter(([, chart]) => chart.series.some(({ points }) => points.length > 1))
      .map(([name, chart]) => [name, lineChart(chart)]),
    ...bars.filter(([, chart]) => chart.groups.length > 0).map(([name, chart]) => [name, barChart(chart)]),
  ])
}

function byTags({ measurements, versions }: Report, task: string, title: string): LineChart {
  const series = Object.keys(versions).map((name) => ({
    name,
    points: measurements
      .filter((found) => found.task === task && found.contender === name && found.conditions.images === 1)
      .flatMap(({ conditions: { tags }, rate }): [number, number][] => (tags === undefined ? [] : [[tags, rate]]))
      .sort(([a], [b]) => a - b),
  }))
  const shown = series.filter(({ points }) => points.length > 0)
  return { title, xLabel: 'tags in the image', yLabel: 'requests per second', series: shown }
}

function blobCpu({ measurements }: Report): BarChart {
  const group = (task: string, megabytes: number, clients: number) => ({
    name: `${task}, ${megabytes} MB, ${clients} client${clients === 1 ? '' : 's'}`,
    bars: found(measurements, task, { megabytes, clients }).map(({ contender: name, cpu: value }) => ({ name, value })),
  })
  const groups = ['blob GET', 'blob PUT'].flatMap((task) =>
    [1, 100].flatMap((megabytes) => [1, 16].map((clients) => group(task, megabytes, clients))),
  )
  return { title: 'CPU for a gigabyte of blobs', unit: 's', groups: groups.filter(({ bars }) => bars.length > 0) }
}

/** Rows of a registry that has not grown. */
function found(measurements: readonly Measurement[], task: string, wanted: Conditions): Measurement[] {
  return measurements.filter(
    ({ task: actual, conditions: { megabytes, clients, tags } }) =>
      actual === task && megabytes === wanted.megabytes && clients === wanted.clients && tags === undefined,
  )
}

function memory({ memory: rows }: Report): BarChart {
  const phases = [...new Set(rows.map(({ phase }) => phase))].filter((phase) => /^(idle|\d+ pulls)/.test(phase))
  const groups = phases.map((phase) => ({
    name: phase,
    bars: rows
      .filter((row) => row.phase === phase)
      .map(({ contender, peakBytes }) => ({ name: contender, value: peakBytes / 1e6 })),
  }))
  return { title: 'Resident memory', unit: 'MB', groups }
}
