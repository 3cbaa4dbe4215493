import { describe, expect, it } from 'bun:test'
import type { RetentionRule } from '../core/repository.ts'
import { NewestTags } from './newest-tags.ts'
import { judgeManifest, judgeTag, type ManifestFacts, type TagFacts } from './retention.ts'
import { ImageRules } from './retention-rules.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-03-29T01:30:00Z')
const daysAgo = (days: number) => NOW - days * DAY

function rule(made: Partial<RetentionRule>): RetentionRule {
  return { images: [], tags: [], keepNewest: null, keepSetWithinDays: null, keepPulledWithinDays: null, ...made }
}

/** `name: [days since it was set, days since it was pulled]` */
type Tags = Record<string, readonly [set: number, pulled?: number]>

function factsOf(tags: Tags): TagFacts[] {
  return Object.entries(tags).map(([name, [set, pulled]]) => ({
    name,
    digest: `sha256:${name}`,
    setAt: daysAgo(set),
    pulledAt: pulled === undefined ? null : daysAgo(pulled),
  }))
}

function judgeAll(rules: RetentionRule[], tags: Tags, { image = 'app', immutable = [] as string[] } = {}) {
  const facts = factsOf(tags)
  const placed = new ImageRules(rules, immutable, image)
  for (const tag of facts) placed.count(tag)
  return facts.map((tag) => ({ name: tag.name, ...judgeTag(tag, placed, NOW) }))
}

function deleted(...of: Parameters<typeof judgeAll>): string[] {
  return judgeAll(...of).flatMap(({ name, isDeleted }) => (isDeleted ? [name] : []))
}

describe('rules of retention', () => {
  const prs: Tags = { 'pr-1': [40], 'pr-2': [30], 'pr-3': [20], 'pr-4': [10], main: [400], 'v1.0': [900] }

  const TABLE: [what: string, rules: RetentionRule[], tags: Tags, goes: string[]][] = [
    ['no rules delete nothing', [], prs, []],
    ['what no rule fits stays', [rule({ tags: ['x*'], keepNewest: 0 })], prs, []],
    ['the newest stay', [rule({ tags: ['pr-*'], keepNewest: 2 })], prs, ['pr-1', 'pr-2']],
    ['more than there are: all stay', [rule({ tags: ['pr-*'], keepNewest: 5 })], prs, []],
    ['as many as there are: all stay', [rule({ tags: ['pr-*'], keepNewest: 4 })], prs, []],
    ['none of the newest: all go', [rule({ tags: ['pr-*'], keepNewest: 0 })], prs, ['pr-1', 'pr-2', 'pr-3', 'pr-4']],
    ['no patterns fit every tag', [rule({ keepNewest: 1 })], prs, ['pr-1', 'pr-2', 'pr-3', 'main', 'v1.0']],
    ['what was set long ago goes', [rule({ tags: ['pr-*'], keepSetWithinDays: 25 })], prs, ['pr-1', 'pr-2']],
    ['what is exactly so old stays', [rule({ tags: ['pr-*'], keepSetWithinDays: 30 })], prs, ['pr-1']],
    [
      'one reason to keep is enough',
      [rule({ tags: ['pr-*'], keepNewest: 1, keepSetWithinDays: 25 })],
      prs,
      ['pr-1', 'pr-2'],
    ],
    [
      'what is pulled stays',
      [rule({ keepPulledWithinDays: 7 })],
      { a: [99, 6], b: [99, 7], c: [99, 8], d: [99], e: [1] },
      ['c', 'd', 'e'],
    ],
    [
      'the first rule that fits decides, a later one keeps nothing',
      [rule({ tags: ['pr-*'], keepNewest: 1 }), rule({ keepSetWithinDays: 1000 })],
      prs,
      ['pr-1', 'pr-2', 'pr-3'],
    ],
    [
      'the first rule that fits decides, a later one takes nothing',
      [rule({ tags: ['pr-*'], keepSetWithinDays: 1000 }), rule({ keepNewest: 1 })],
      prs,
      ['v1.0'],
    ],
    [
      'the newest of a rule are those that it decides on',
      [rule({ tags: ['pr-4'], keepNewest: 0 }), rule({ tags: ['pr-*'], keepNewest: 1 })],
      prs,
      ['pr-1', 'pr-2', 'pr-4'],
    ],
    [
      'of tags set at one moment the last by name are the newest',
      [rule({ keepNewest: 2 })],
      { a: [5], b: [5], c: [5], d: [5] },
      ['a', 'b'],
    ],
    ['several patterns are one rule', [rule({ tags: ['pr-1', 'pr-2', 'v*'], keepNewest: 1 })], prs, ['pr-1', 'v1.0']],
    ['what was set in the future stays', [rule({ keepSetWithinDays: 1 })], { a: [-3], b: [3] }, ['b']],
    ['patterns tell capitals apart', [rule({ tags: ['PR-*'], keepNewest: 0 })], prs, []],
  ]
  it.each(TABLE)('%s', (_what, rules, tags, goes) => {
    expect(deleted(rules, tags)).toEqual(goes)
  })

  it.each([
    [[], 'team/app', true],
    [['app'], 'team/app', false],
    [['team/*'], 'team/app', true],
    [['team/*'], 'team/deep/app', false],
    [['other', 'team/**'], 'team/deep/app', true],
  ])('for images %j speak of %s: %p', (images, image, speaks) => {
    expect(deleted([rule({ images, keepNewest: 0 })], { a: [1] }, { image })).toEqual(speaks ? ['a'] : [])
  })

  it('that do not speak of an image keep their numbers', () => {
    const rules = [rule({ images: ['other'], keepNewest: 0 }), rule({ keepSetWithinDays: 90 })]
    expect(judgeAll(rules, { a: [120] })[0]?.reason).toBe('set 120 days ago, rule 2 keeps 90')
  })

  it('never touch an immutable tag, and leave its place among the newest to another', () => {
    const rules = [rule({ keepNewest: 1 })]
    expect(deleted(rules, prs, { immutable: ['v*', 'pr-4'] })).toEqual(['pr-1', 'pr-2', 'main'])
  })

  it('judge two tags of one manifest apart', () => {
    const rules = new ImageRules([rule({ tags: ['old'], keepNewest: 0 })], [], 'app')
    const [old, stays] = ['old', 'stays'].map((name) =>
      judgeTag({ name, digest: 'sha256:same', setAt: 0, pulledAt: null }, rules, NOW),
    )
    expect([old?.isDeleted, stays?.isDeleted]).toEqual([true, false])
  })

  it('count days as 24 hours, whatever clocks do', () => {
    const rules = new ImageRules([rule({ keepSetWithinDays: 1 })], [], 'app')
    const at = (setAt: number) => judgeTag({ name: 'a', digest: '', setAt, pulledAt: null }, rules, NOW).isDeleted
    expect([at(NOW - DAY), at(NOW - DAY - 1)]).toEqual([false, true])
  })

  it('say why, of what stays and of what goes', () => {
    const rules = [
      rule({ tags: ['pr-*'], keepNewest: 1, keepSetWithinDays: 25, keepPulledWithinDays: 3 }),
      rule({ tags: ['a', 'b', 'c', 'd', 'e'], keepNewest: 1 }),
      rule({ tags: ['*-x'], keepPulledWithinDays: 1 }),
    ]
    const tags: Tags = {
      'pr-1': [40],
      'pr-2': [30, 2],
      'pr-3': [20],
      'pr-4': [10],
      main: [1],
      'v-x': [9, 8],
      a: [0],
      b: [1],
    }
    const said = judgeAll(rules, tags, { immutable: ['ma*'] }).map(({ name, isDeleted, reason }) => [
      name,
      isDeleted,
      reason,
    ])
    expect(said).toEqual([
      ['pr-1', true, 'not one of the 1 newest of pr-*; set 40 days ago, rule 1 keeps 25; never pulled, rule 1 keeps 3'],
      ['pr-2', false, 'pulled 2 days ago, rule 1 keeps 3'],
      ['pr-3', false, 'set 20 days ago, rule 1 keeps 25'],
      ['pr-4', false, 'one of the 1 newest of pr-*'],
      ['main', false, 'immutable, as it fits ma*'],
      ['v-x', true, 'set 9 days ago; pulled 8 days ago, rule 3 keeps 1'],
      ['a', false, 'one of the 1 newest of a, b, c and 2 more'],
      ['b', true, 'not one of the 1 newest of a, b, c and 2 more; set 1 day ago'],
    ])
  })
})

describe('a manifest', () => {
  const old: ManifestFacts = {
    digest: 'sha256:m',
    pushedAt: daysAgo(100),
    pulledAt: null,
    tag: null,
    untaggedAt: null,
    index: null,
    subject: null,
    restorable: null,
    obstacle: null,
    companionUsedAt: null,
  }
  const TABLE: [what: string, facts: Partial<ManifestFacts>, days: number | null, isDeleted: boolean][] = [
    ['that nothing needs goes', {}, 14, true],
    ['stays where no setting speaks of it', {}, null, false],
    ['stays for a tag', { tag: 'v1' }, 14, false],
    ['stays for an index', { index: 'sha256:i' }, 14, false],
    ['stays with its subject', { subject: 'sha256:s' }, 14, false],
    ['stays for what can be brought back', { restorable: 'a reason' }, 14, false],
    ['stays for what would go with it', { obstacle: 'a reason' }, 14, false],
    ['stays for a signature of lately', { companionUsedAt: daysAgo(3) }, 14, false],
    ['goes with a signature of long ago', { companionUsedAt: daysAgo(15) }, 14, true],
    ['pushed lately stays', { pushedAt: daysAgo(14) }, 14, false],
    ['pushed a moment before that goes', { pushedAt: daysAgo(14) - 1 }, 14, true],
    ['pulled lately stays', { pulledAt: daysAgo(3) }, 14, false],
    ['pulled long ago goes', { pulledAt: daysAgo(15) }, 14, true],
    ['that lost its tag lately stays', { untaggedAt: daysAgo(1) }, 14, false],
    ['that lost its tag long ago goes', { untaggedAt: daysAgo(15) }, 14, true],
  ]
  it.each(TABLE)('%s', (_what, facts, days, isDeleted) => {
    const verdict = judgeManifest({ ...old, ...facts }, days, NOW)
    expect(verdict.isDeleted).toBe(isDeleted)
    expect(verdict.reason).not.toBe('')
  })

  it('is told how long nothing has needed it', () => {
    expect(judgeManifest({ ...old, untaggedAt: daysAgo(15) }, 14, NOW).reason).toBe(
      'no tag, index or subject needs it: had a tag 15 days ago, untagged manifests stay 14 days',
    )
  })
})

describe('the newest tags', () => {
  it('are the same in whatever order they come, and however many there are', () => {
    const all = Array.from({ length: 2_000 }, (_, n) => ({ name: `t${n}`, setAt: Math.floor(n / 3) }))
    for (const most of [0, 1, 2, 15, 16, 17, 100, 1_999, 2_000, 3_000]) {
      const newest = new NewestTags(most)
      for (const tag of all.toSorted(() => Math.random() - 0.5)) newest.add(tag)
      expect(all.filter((tag) => newest.has(tag)).length).toBe(Math.min(most, all.length))
    }
  })

  it('include what is newer than all that were counted', () => {
    const newest = new NewestTags(1)
    for (const setAt of [1, 2, 3]) newest.add({ name: 'a', setAt })
    expect([newest.has({ name: 'b', setAt: 4 }), newest.has({ name: 'b', setAt: 2 })]).toEqual([true, false])
  })
})
