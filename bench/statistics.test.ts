import { expect, it } from 'bun:test'
import { median, percentile99 } from './statistics.ts'

it('takes the middle value, and the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 2, 100])).toBe(3)
  expect(() => median([])).toThrow(RangeError)
})

it('finds what one of a hundred passes', () => {
  expect(percentile99(Array.from({ length: 1_000 }, (_, position) => 1_000 - position))).toBe(990)
  expect(percentile99([7])).toBe(7)
  expect(() => percentile99([])).toThrow(RangeError)
})
