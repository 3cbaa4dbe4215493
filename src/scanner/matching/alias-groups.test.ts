import { describe, expect, it } from 'bun:test'
import type { Advisory } from '../../core/advisory.ts'
import { semverOrder } from '../versions/semver.ts'
import { aliasGroups, sortIds } from './alias-groups.ts'
import { conclude } from './conclude.ts'

function published(advisory: Advisory, source = 'osv/x') {
  return { advisory, source, revision: `sha256:${source}` }
}

function fixedIn(id: string, fixed: string, more: Partial<Advisory> = {}): Advisory {
  return { id, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed }] }], ...more }
}

describe('advisories that name each other', () => {
  it('are one vulnerability, also through a third', () => {
    const a = published({ id: 'GHSA-a', aliases: ['CVE-1-1'] })
    const b = published({ id: 'PYSEC-1', aliases: ['SNYK-1'] })
    const c = published({ id: 'SNYK-1', aliases: ['CVE-1-1'] })
    const other = published({ id: 'GHSA-b' })
    expect(
      aliasGroups([a, b, other, c])
        .map((group) => group.length)
        .sort(),
    ).toEqual([1, 3])
  })

  it('stay apart when all they share is an announcement', () => {
    const groups = aliasGroups([
      published({ id: 'CVE-2016-9377', announcement: 'XSA-196' }),
      published({ id: 'CVE-2016-9378', announcement: 'XSA-196' }),
    ])
    expect(groups).toHaveLength(2)
  })

  it('are shown by the name that people search for', () => {
    expect(sortIds(['PYSEC-2020-1', 'GHSA-z', 'CVE-2021-10000', 'CVE-2021-9999', 'GHSA-z'])).toEqual([
      'CVE-2021-9999',
      'CVE-2021-10000',
      'GHSA-z',
      'PYSEC-2020-1',
    ])
  })
})

describe('what several advisories come to', () => {
  it('is what the own database of the ecosystem says, where they disagree', () => {
    const own = published(fixedIn('PYSEC-1', '1.0.0', { aliases: ['CVE-1-1'] }))
    const wider = published(fixedIn('GHSA-a', '2.0.0', { aliases: ['CVE-1-1'], severity: 'high' }))
    expect(conclude([wider, own], semverOrder, '1.5.0')).toBeNull()
    expect(conclude([wider, own], semverOrder, '0.5.0')).toMatchObject({
      id: 'CVE-1-1',
      aliases: ['GHSA-a', 'PYSEC-1'],
      fixedVersion: '1.0.0',
      severity: 'high',
    })
  })

  it('does not rest on an own database that says nothing', () => {
    const empty = published({ id: 'PYSEC-1', aliases: ['GHSA-a'] })
    expect(conclude([empty, published(fixedIn('GHSA-a', '2.0.0'))], semverOrder, '1.0.0')).toMatchObject({
      id: 'GHSA-a',
    })
    expect(conclude([empty], semverOrder, '1.0.0')).toBeNull()
  })

  it('is fixed where all of them are', () => {
    const group = [
      published(fixedIn('GHSA-a', '1.1.0')),
      published(fixedIn('GHSA-b', '1.2.0', { aliases: ['GHSA-a'] })),
    ]
    expect(conclude(group, semverOrder, '1.0.0')).toMatchObject({ fixedVersion: '1.2.0', fixState: 'fixed' })
  })

  it('says whether there is a fix', () => {
    const open: Advisory = { id: 'GHSA-a', ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] }
    const ended: Advisory = {
      id: 'GHSA-a',
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { last_affected: '2.0.0' }] }],
    }
    expect(conclude([published(open)], semverOrder, '1.0.0')).toMatchObject({
      fixState: 'not-fixed',
      fixedVersion: null,
    })
    expect(conclude([published(ended)], semverOrder, '1.0.0')).toMatchObject({
      fixState: 'unknown',
      fixedVersion: null,
    })
    expect(conclude([published({ ...open, fixState: 'will-not-fix' })], semverOrder, '1.0.0')).toMatchObject({
      fixState: 'will-not-fix',
    })
  })

  it('counts a version that is listed by name', () => {
    const listed: Advisory = { id: 'MAL-1', versions: ['1.0.1', '1.0.2'] }
    expect(conclude([published(listed)], semverOrder, 'v1.0.2')).toMatchObject({ id: 'MAL-1' })
    expect(conclude([published(listed)], semverOrder, '1.0.3')).toBeNull()
  })

  it('is not known for a version that cannot be compared', () => {
    expect(conclude([published(fixedIn('GHSA-a', '2.0.0'))], semverOrder, 'latest')).toBe('incomparable')
  })
})
