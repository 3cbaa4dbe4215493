import { expect, it } from 'bun:test'
import { formatReport } from './format-report.ts'
import type { Measurement } from './measurement.ts'

const cell = (contender: string, rate: number): Measurement => ({
  task: 'manifest GET',
  conditions: { tags: 1_000 },
  contender,
  rate,
  rateUnit: '/s',
  p99Ms: 2.345,
  cpu: 33.3,
  cpuUnit: ' us CPU',
  runs: [rate],
})

it('shows every server beside the first, with the ratio between them', () => {
  const text = formatReport({
    machine: '2 cores',
    versions: { Seawall: '1', Other: '2' },
    measurements: [cell('Other', 5_000), cell('Seawall', 20_000), cell('Seawall, token', 18_000)],
    memory: [{ phase: 'after all', contender: 'Seawall', peakBytes: 60_400_000 }],
    notes: ['Other fails something'],
  })
  const rows = text.split('\n').map((line) => line.split('|').map((part) => part.trim()))
  expect(rows).toContainEqual(['', '', 'Seawall', 'Seawall, token', 'Other', ''])
  expect(rows).toContainEqual([
    '',
    'manifest GET, 1,000 tags',
    '20,000/s, 2.3 ms, 33 us CPU',
    '18,000/s (0.9x), 2.3 ms, 33 us CPU',
    '5,000/s (0.25x), 2.3 ms, 33 us CPU',
    '',
  ])
  expect(rows).toContainEqual(['', 'after all', '60', ''])
  expect(text).toContain('- Other fails something')
  expect(text).toContain('- nowhere')
})
