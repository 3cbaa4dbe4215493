import { expect, it } from 'bun:test'
import { drawCharts } from './charts.ts'
import type { Conditions, Measurement, Report } from './measurement.ts'

const cell = (task: string, conditions: Conditions, contender: string, rate: number): Measurement => ({
  task,
  conditions,
  contender,
  rate,
  rateUnit: '/s',
  cpu: rate / 1_000,
  cpuUnit: ' us CPU',
  runs: [rate],
})

const REPORT: Report = {
  machine: '2 cores',
  versions: { Ours: '1', 'A & <B>': '2' },
  measurements: [1, 1_000, 100_000].flatMap((tags) => [
    cell('manifest GET by tag', { tags, images: 1 }, 'Ours', 40_000),
    cell('manifest GET by tag', { tags, images: 1 }, 'A & <B>', 20_000 / tags),
    cell('manifest GET by tag', { tags: 1, images: 10_000 }, 'Ours', 1),
  ]),
  memory: [{ phase: 'idle', contender: 'Ours', peakBytes: 60e6 }],
  notes: [],
}

const heights = (svg: string, series: number) =>
  [...svg.matchAll(new RegExp(`<circle class="f${series}" cx="([\\d.]+)" cy="([\\d.]+)"`, 'g'))].map(([, x, y]) => ({
    x: Number(x),
    y: Number(y),
  }))

it('draws a level line level, and one that falls falling, over equal steps', () => {
  const { 'manifests-by-tags': svg = '' } = drawCharts(REPORT)
  const ours = heights(svg, 0)
  expect(ours).toHaveLength(3)
  expect(new Set(ours.map(({ y }) => y)).size).toBe(1)
  const [one, thousand, most] = heights(svg, 1)
  expect(one?.y).toBeLessThan(thousand?.y ?? 0)
  expect(thousand?.y).toBeLessThan(most?.y ?? 0)
  // from 1 to 1,000 is as far as one and a half times from 1,000 to 100,000
  const [left = 0, middle = 0, right = 0] = ours.map(({ x }) => x)
  expect((middle - left) / (right - middle)).toBeCloseTo(1.5, 1)
})

it('writes well-formed drawings, for light and dark pages', () => {
  for (const svg of Object.values(drawCharts(REPORT))) {
    expect(svg).toContain('prefers-color-scheme: dark')
    expect(svg).not.toContain('NaN')
    expect(svg).not.toContain('<B>')
    const open = [...svg.matchAll(/<(svg|title|style|text)[ >]/g)].length
    const closed = [...svg.matchAll(/<\/(svg|title|style|text)>/g)].length
    expect(closed).toBe(open)
  }
})

it('leaves out what was not measured', () => {
  expect(Object.keys(drawCharts(REPORT)).sort()).toEqual(['manifests-by-tags', 'memory'])
  expect(drawCharts({ ...REPORT, measurements: [], memory: [] })).toEqual({})
})
