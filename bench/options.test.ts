import { expect, it } from 'bun:test'
import { GROUPS, parseOptions } from './options.ts'

it('measures everything when nothing is said', () => {
  const options = parseOptions([])
  expect([...options.groups]).toEqual([...GROUPS])
  expect(options.tagCounts).toEqual([1, 1_000, 100_000])
  expect(options.only).toBeNull()
})

it('takes groups by their names, by one of many, and by what several have in common', () => {
  expect([...parseOptions(['tags']).groups]).toEqual(['tags'])
  expect([...parseOptions(['manifest']).groups]).toEqual(['manifests'])
  expect([...parseOptions(['blobs']).groups]).toEqual(['blobs-small', 'blobs-large'])
  expect(() => parseOptions(['speed'])).toThrow('There is no group "speed"')
})

it('does little in a quick run, but what is asked for', () => {
  const options = parseOptions(['--quick', '--seconds', '2', '--only', 'Seawall,zot'])
  expect(options.effort).toEqual({ seconds: 2, repetitions: 1, bytesPerRun: 500_000_000 })
  expect(options.tagCounts).toEqual([1, 1_000])
  expect(options.only).toEqual(['seawall', 'zot'])
  expect(() => parseOptions(['--seconds', 'long'])).toThrow('"long" is no number')
})
