import { describe, expect, it } from 'bun:test'
import type { AdvisoryRange, RangeEvent } from '../../core/advisory.ts'
import { pep440Order } from '../versions/pep440.ts'
import { semverOrder } from '../versions/semver.ts'
import { orderOfRange, rangeEvaluator } from './range.ts'

function answer(events: readonly RangeEvent[], version: string) {
  return rangeEvaluator({ type: 'ECOSYSTEM', events }, semverOrder)?.(version) ?? null
}

describe('a range of an advisory', () => {
  const twoBranches = [{ introduced: '2.0.0' }, { fixed: '2.0.6' }, { introduced: '0' }, { fixed: '1.26.17' }]
  const rows: readonly (readonly [string, readonly RangeEvent[], string, boolean, string | null])[] = [
    ['holds its first version', [{ introduced: '1.0.0' }], '1.0.0', true, null],
    ['does not hold what is before it', [{ introduced: '1.0.0' }], '0.9.9', false, null],
    ['holds what is before the fix', [{ introduced: '0' }, { fixed: '2.0.0' }], '1.9.9', true, '2.0.0'],
    ['does not hold the fix', [{ introduced: '0' }, { fixed: '2.0.0' }], '2.0.0', false, null],
    ['holds a prerelease of the fix', [{ introduced: '0' }, { fixed: '2.0.0' }], '2.0.0-rc.1', true, '2.0.0'],
    ['holds the last affected version', [{ introduced: '0' }, { last_affected: '1.5.0' }], '1.5.0', true, null],
    ['does not hold what is after it', [{ introduced: '0' }, { last_affected: '1.5.0' }], '1.5.1', false, null],
    ['holds the older of two branches, whatever the order of events', twoBranches, '1.26.16', true, '1.26.17'],
    ['has room between two branches', twoBranches, '1.26.17', false, null],
    ['holds the newer of two branches', twoBranches, '2.0.5', true, '2.0.6'],
    [
      'does not promise the fix of another branch',
      [{ introduced: '0' }, { last_affected: '1.5.0' }, { introduced: '2.0.0' }, { fixed: '2.1.0' }],
      '1.0.0',
      true,
      null,
    ],
    ['ends at a limit', [{ introduced: '0' }, { limit: '1.0.0' }], '1.0.0', false, null],
    [
      'holds what is before one of several limits',
      [{ introduced: '0' }, { limit: '1' }, { limit: '3' }],
      '2.0.0',
      true,
      null,
    ],
    ['has no end where the limit is a star', [{ introduced: '0' }, { limit: '*' }], '9.0.0', true, null],
    ['holds nothing before anything was introduced', [{ fixed: '1.0.0' }], '0.1.0', false, null],
    ['holds nothing when it has no events', [], '1.0.0', false, null],
    [
      'begins again at the version of a fix',
      [{ introduced: '0' }, { fixed: '1.0.0' }, { introduced: '1.0.0' }],
      '1.0.0',
      true,
      null,
    ],
    ['holds a prerelease of nothing', [{ introduced: '0' }], '0.0.0-alpha', true, null],
  ]
  for (const [about, events, version, isAffected, fixed] of rows) {
    it(about, () => expect(answer(events, version)).toEqual({ isAffected, fixed }))
  }

  it('says nothing of a version that is none', () => {
    expect(answer([{ introduced: '0' }], 'latest')).toBeNull()
  })

  it('says nothing when an event is no version', () => {
    expect(answer([{ introduced: '0' }, { fixed: 'the next one' }], '1.0.0')).toBeNull()
  })

  it('is in the order of SemVer when it says so, whatever the ecosystem', () => {
    const range: AdvisoryRange = { type: 'SEMVER', events: [] }
    expect(orderOfRange(range, pep440Order)).toBe(semverOrder)
    expect(orderOfRange({ ...range, type: 'ECOSYSTEM' }, pep440Order)).toBe(pep440Order)
  })
})
