import { expect, it } from 'bun:test'
import type { Measurement } from './measurement.ts'
import { findShortfalls, speedRatio } from './shortfalls.ts'

const cell = (contender: string, rate: number, cpu: number, rateUnit: Measurement['rateUnit'] = '/s'): Measurement => ({
  task: 'blob GET',
  conditions: { megabytes: 1, clients: 16 },
  contender,
  rate,
  rateUnit,
  cpu,
  cpuUnit: ' us CPU',
  runs: [rate],
})

it('says in which rows somebody is faster or needs less CPU, and by how much', () => {
  const found = findShortfalls(
    [cell('Ours', 100, 50), cell('Ours, token', 1, 999), cell('Faster', 125, 60), cell('Cheaper', 90, 40)],
    'Ours',
  )
  expect(found).toEqual([
    'blob GET 1 MB, 16 clients: Faster is 1.25 times as fast',
    'blob GET 1 MB, 16 clients: 1.25 times the CPU of Cheaper',
  ])
})

it('lets a file server be faster, and a little cheaper', () => {
  expect(findShortfalls([cell('Ours', 100, 59), cell('nginx', 200, 50)], 'Ours')).toEqual([])
  expect(findShortfalls([cell('Ours', 100, 65), cell('nginx', 200, 50)], 'Ours')).toEqual([
    'blob GET 1 MB, 16 clients: 1.30 times the CPU of nginx',
  ])
})

it('takes a short time for a fast one', () => {
  expect(speedRatio(cell('Other', 2, 1, ' s'), cell('Ours', 1, 1, ' s'))).toBe(0.5)
  expect(findShortfalls([cell('Ours', 1, 1, ' s'), cell('Other', 2, 1, ' s')], 'Ours')).toEqual([])
})
