import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ImageInventory, InstalledPackage, PackageType } from '../core/inventory.ts'
import { migrate } from '../storage/migrate.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'
import { StoredAdvisories } from './advisories/advisory-reader.ts'
import { importAdvisories } from './advisories/import-advisories.ts'
import { type MatchOptions, matchInventory } from './match.ts'

const feeds = '../shared/data/advisories'
const debian = { id: 'debian', version: '12', codename: 'bookworm' }
const alpine = { id: 'alpine', version: '3.20.3' }

function packageOf(type: PackageType, name: string, version: string, more: Partial<InstalledPackage> = {}) {
  const purl = `pkg:${type}/${name}@${version}`
  return { type, name, version, purl, source: null, path: '/status', layer: null, ...more } satisfies InstalledPackage
}

function inventoryOf(distribution: ImageInventory['distribution'], packages: readonly InstalledPackage[]) {
  return { distribution, packages, complete: true, reasons: [] } satisfies ImageInventory
}

if (!existsSync(feeds)) console.log(`skipped: findings from published feeds, because ${feeds} is missing`)
describe.skipIf(!existsSync(feeds))('findings from the published feeds', () => {
  let db: SqliteDatabase
  let advisories: StoredAdvisories

  beforeAll(async () => {
    db = await SqliteDatabase.open(':memory:')
    await migrate(db)
    const files = ['debian/tracker.json', 'alpine/v3.20', 'osv/npm.zip', 'osv/PyPI.zip', 'osv/Bitnami.zip']
    const report = await importAdvisories(
      db,
      files.map((file) => `${feeds}/${file}`),
    )
    expect(report.failed).toEqual([])
    advisories = new StoredAdvisories(db)
  }, 60_000)
  afterAll(() => db.close())

  async function idsOf(distribution: ImageInventory['distribution'], pkg: InstalledPackage): Promise<string[]> {
    const { findings } = await matchInventory(advisories, inventoryOf(distribution, [pkg]))
    return findings.map(({ id, fixedVersion }) => `${id} ${fixedVersion}`).sort()
  }

  // Worked out by hand from the feeds: `bookworm` rows of the tracker, secfixes of v3.20, events of the OSV records.
  const rows: readonly (readonly [string, ImageInventory['distribution'], InstalledPackage, readonly string[]])[] = [
    [
      'libcurl4 by its source, older than five fixes',
      debian,
      packageOf('deb', 'libcurl4', '7.88.1-10+deb12u9', { source: { name: 'curl', version: '7.88.1-10+deb12u9' } }),
      [
        'CVE-2024-11053 7.88.1-10+deb12u10',
        'CVE-2025-0167 7.88.1-10+deb12u11',
        'CVE-2025-10148 7.88.1-10+deb12u15',
        'CVE-2025-14524 7.88.1-10+deb12u15',
        'CVE-2025-14819 7.88.1-10+deb12u15',
        'CVE-2026-3783 7.88.1-10+deb12u15',
        'CVE-2026-3784 7.88.1-10+deb12u15',
        'CVE-2026-5773 7.88.1-10+deb12u15',
        'CVE-2026-7168 7.88.1-10+deb12u15',
      ],
    ],
    [
      'openssl one fix before the newest',
      debian,
      packageOf('deb', 'openssl', '3.0.22-1~deb12u1'),
      [
        'CVE-2026-35189 3.0.22-1~deb12u2',
        'CVE-2026-54872 3.0.22-1~deb12u2',
        'CVE-2026-75805 3.0.22-1~deb12u2',
        'CVE-2026-75806 3.0.22-1~deb12u2',
        'CVE-2026-77696 3.0.22-1~deb12u2',
        'CVE-2026-84782 3.0.22-1~deb12u2',
      ],
    ],
    [
      'a binary rebuild of liblzma5, whose source is older than its fix',
      debian,
      packageOf('deb', 'liblzma5', '5.4.1-1+b9', { source: { name: 'xz-utils', version: '5.4.1-1' } }),
      ['CVE-2026-34743 5.4.1-1+deb12u1'],
    ],
    ['a current openssl', debian, packageOf('deb', 'openssl', '3.0.22-1~deb12u2'), []],
    [
      'libssl3 of Alpine by its origin',
      alpine,
      packageOf('apk', 'libssl3', '3.3.0-r1', { source: { name: 'openssl', version: '3.3.0-r1' } }),
      ['CVE-2024-4603 3.3.0-r2'],
    ],
    [
      'busybox before one of its fixes',
      alpine,
      packageOf('apk', 'busybox', '1.36.1-r26'),
      ['CVE-2023-42363 1.36.1-r27'],
    ],
    ['zlib, which was never affected by two of them', alpine, packageOf('apk', 'zlib', '1.3.1-r1'), []],
    [
      'lodash 4.17.20',
      null,
      packageOf('npm', 'lodash', '4.17.20'),
      ['CVE-2020-28500 4.17.21', 'CVE-2021-23337 4.17.21', 'CVE-2025-13465 4.17.23'],
    ],
    [
      'minimist in its second range',
      null,
      packageOf('npm', 'minimist', '1.2.0'),
      ['CVE-2020-7598 1.2.3', 'CVE-2021-44906 1.2.6', 'GHSA-7fhm-mqm4-2wp7 1.2.2'],
    ],
    ['a fixed minimist of the old branch', null, packageOf('npm', 'minimist', '0.2.4'), ['GHSA-7fhm-mqm4-2wp7 1.2.2']],
    ['a prerelease inside a range', null, packageOf('npm', 'minimist', '1.2.6-rc.1'), ['CVE-2021-44906 1.2.6']],
    [
      'requests 2.31.0 under a name that is spelled otherwise',
      null,
      packageOf('pypi', 'Requests', '2.31.0'),
      ['CVE-2024-35195 2.32.0', 'CVE-2024-47081 2.32.4', 'CVE-2026-25645 2.33.0'],
    ],
    [
      'jinja2 3.1.4 without the advisory that was withdrawn',
      null,
      packageOf('pypi', 'Jinja2', '3.1.4'),
      ['CVE-2024-56201 3.1.5', 'CVE-2024-56326 3.1.5', 'CVE-2025-27516 3.1.6'],
    ],
    [
      'a local build of urllib3, whose events are not in order',
      null,
      packageOf('pypi', 'urllib3', '2.6.2+company.1'),
      ['CVE-2026-21441 2.6.3', 'CVE-2026-44431 2.7.0', 'CVE-2026-44432 2.7.0'],
    ],
  ]
  for (const [about, distribution, pkg, expected] of rows) {
    it(`are right for ${about}`, async () => expect(await idsOf(distribution, pkg)).toEqual([...expected]))
  }

  it('carry the rating, the aliases and the feed', async () => {
    const { findings } = await matchInventory(advisories, inventoryOf(null, [packageOf('npm', 'lodash', '4.17.20')]))
    expect(findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual([
      'high CVE-2021-23337',
      'medium CVE-2020-28500',
      'medium CVE-2025-13465',
    ])
    expect(findings[0]).toMatchObject({
      aliases: ['GHSA-35jh-r3h4-6jhm'],
      fixState: 'fixed',
      advisory: { source: 'osv/npm', revision: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    })
  })

  it('take the rating of others where Debian has assigned none', async () => {
    const pkg = packageOf('deb', 'redis', '5:7.0.15-1~deb12u5')
    const { findings } = await matchInventory(advisories, inventoryOf(debian, [pkg]))
    expect(findings.find(({ id }) => id === 'CVE-2025-49844')).toMatchObject({
      severity: 'critical',
      advisory: { source: 'debian-tracker' },
    })
  })

  it('leave a language package to the distribution that installed it', async () => {
    const owned = packageOf('pypi', 'requests', '2.28.1', { ownedBy: 'python3-requests' })
    const { findings, unknowns } = await matchInventory(advisories, inventoryOf(debian, [owned]))
    expect({ findings, unknowns }).toEqual({ findings: [], unknowns: [] })
  })

  it('hold an image of 500 packages against the feeds within some milliseconds', async () => {
    const packages = Array.from({ length: 500 }, (_, index) => packageOf('npm', `package-${index}`, '1.0.0'))
    for (const name of ['lodash', 'minimist', 'axios', 'express']) packages.push(packageOf('npm', name, '1.0.0'))
    const inventory = inventoryOf(debian, packages)
    await matchInventory(advisories, inventory)
    const start = performance.now()
    await matchInventory(advisories, inventory)
    // Generous: other tests may be running beside this one. Alone it takes 2 to 5 ms.
    expect(performance.now() - start).toBeLessThan(100)
  })

  const unknown: readonly (readonly [string, ImageInventory, MatchOptions, readonly string[]])[] = [
    [
      'an image of a release without advisories',
      inventoryOf({ id: 'debian', version: '9' }, [packageOf('deb', 'bash', '4.4-5')]),
      {},
      ['no advisories for Debian 9 have been imported: nothing can be said about 1 deb package'],
    ],
    [
      'an image of a distribution that nobody knows',
      inventoryOf({ id: 'shesek', version: '0.0.1', prettyName: 'Shesek 0.0.1' }, [packageOf('deb', 'bash', '4.4-5')]),
      {},
      ['there are no advisories for Shesek 0.0.1 that Seawall reads: nothing can be said about 1 deb package'],
    ],
    [
      'an image without anything that has a name',
      inventoryOf(null, []),
      {},
      ['neither a distribution nor a package was found: nothing can be said about what is in it'],
    ],
    [
      'a package from another maker',
      inventoryOf(debian, [packageOf('deb', 'nodejs', '18.19.0-1nodesource1')]),
      {},
      ['not made by the distribution, so that its advisories say nothing of them: nodejs'],
    ],
    [
      'a version that is none',
      inventoryOf(alpine, [packageOf('apk', 'busybox', '1.36.1-r0-odd')]),
      {},
      ['versions that cannot be compared with those of the advisories: busybox 1.36.1-r0-odd'],
    ],
  ]
  for (const [about, inventory, options, sentences] of unknown) {
    it(`say what is unknown of ${about}`, async () => {
      const { findings, unknowns } = await matchInventory(advisories, inventory, options)
      expect(findings).toEqual([])
      expect(unknowns).toEqual([...sentences])
    })
  }

  it('say nothing of a kernel for its headers', async () => {
    const headers = packageOf('deb', 'linux-libc-dev', '6.1.1-1', { source: { name: 'linux', version: '6.1.1-1' } })
    const { findings, unknowns } = await matchInventory(advisories, inventoryOf(debian, [headers]))
    expect({ findings, unknowns }).toEqual({ findings: [], unknowns: [] })
  })
})

describe('what Debian holds for no security problem', () => {
  it('is shown only when asked for', async () => {
    const db = await SqliteDatabase.open(':memory:')
    await migrate(db)
    const folder = await mkdtemp(join(tmpdir(), 'seawall-test-'))
    const releases = (urgency: string) => ({ releases: { bookworm: { status: 'open', urgency } } })
    const issues = { 'CVE-2024-1': releases('unimportant'), 'CVE-2024-2': releases('low') }
    await writeFile(join(folder, 'tracker'), JSON.stringify({ bash: issues }))
    await importAdvisories(db, [folder])
    await rm(folder, { recursive: true })
    const inventory = inventoryOf(debian, [packageOf('deb', 'bash', '5.2')])
    const idsWith = async (options: MatchOptions) => {
      const { findings } = await matchInventory(new StoredAdvisories(db), inventory, options)
      return findings.map(({ id, severity, fixState }) => `${id} ${severity} ${fixState}`)
    }
    expect(await idsWith({})).toEqual(['CVE-2024-2 low not-fixed'])
    expect(await idsWith({ withUnimportant: true })).toEqual([
      'CVE-2024-2 low not-fixed',
      'CVE-2024-1 negligible not-fixed',
    ])
    await db.close()
  })
})

describe('matching without any advisories', () => {
  it('never looks clean', async () => {
    const db = await SqliteDatabase.open(':memory:')
    await migrate(db)
    const inventory = inventoryOf(debian, [packageOf('deb', 'bash', '5'), packageOf('npm', 'a', '1.0.0')])
    const { findings, unknowns } = await matchInventory(new StoredAdvisories(db), inventory)
    await db.close()
    expect(findings).toEqual([])
    expect(unknowns).toEqual([
      'no advisories for Debian 12 have been imported: nothing can be said about 1 deb package',
      'no advisories for npm have been imported: nothing can be said about 1 npm package',
    ])
  })
})
