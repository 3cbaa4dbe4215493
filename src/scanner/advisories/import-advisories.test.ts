import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { listFeeds } from '../../catalog/advisories.ts'
import { migrate } from '../../storage/migrate.ts'
import { SqliteDatabase } from '../../storage/sqlite-database.ts'
import { StoredAdvisories } from './advisory-reader.ts'
import { importAdvisories } from './import-advisories.ts'

const feeds = '../shared/data/advisories'

let db: SqliteDatabase
let folder: string

beforeEach(async () => {
  db = await SqliteDatabase.open(':memory:')
  await migrate(db)
  folder = await mkdtemp(join(tmpdir(), 'seawall-test-'))
})
afterEach(async () => {
  await db.close()
  await rm(folder, { recursive: true, force: true })
})

/** Writes a zip by hand, so that it may also lie about its content. */
function zipOf(
  files: Readonly<Record<string, string>>,
  lie: { size?: number; crc?: number; method?: number } = {},
): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const packed = deflateRawSync(text)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(lie.method ?? 8, 4)
    fields.writeUInt32LE(lie.crc ?? crc32(text), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(lie.size ?? Buffer.byteLength(text), 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const entry = Buffer.alloc(14)
    entry.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed])
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, entry, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(directory.length, 8)
  end.writeUInt16LE(directory.length, 10)
  end.writeUInt32LE(list.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, list, end])
}

function record(id: string, fixed: string, more: object = {}): string {
  const events = [{ introduced: '0' }, { fixed }]
  return JSON.stringify({
    id,
    modified: '2024-01-02T03:04:05Z',
    affected: [{ package: { ecosystem: 'npm', name: 'left-pad' }, ranges: [{ type: 'SEMVER', events }] }],
    ...more,
  })
}

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, content)
  return path
}

async function idsOf(ecosystem: string, name: string): Promise<string[]> {
  const found = await new StoredAdvisories(db).find(ecosystem, [name])
  return (found.get(name) ?? []).map(({ advisory }) => advisory.id)
}

describe('importing a feed', () => {
  it('replaces what was there of it and says what changed', async () => {
    await importAdvisories(db, [
      await put('all.zip', zipOf({ 'A-1.json': record('A-1', '1.0.0'), 'A-2.json': record('A-2', '2.0.0') })),
    ])
    expect(await idsOf('npm', 'left-pad')).toEqual(['A-1', 'A-2'])

    const other = { affected: [{ package: { ecosystem: 'npm', name: 'right-pad' }, versions: ['1.0.0'] }] }
    const second = await put(
      'all.zip',
      zipOf({ 'A-1.json': record('A-1', '1.0.0'), 'A-3.json': record('A-3', '1', other) }),
    )
    const { feeds: imported } = await importAdvisories(db, [second])
    expect(imported[0]).toMatchObject({ source: 'osv/npm', count: 2, isUnchanged: false })
    expect(imported[0]?.change.packages).toEqual([
      { ecosystem: 'npm', name: 'left-pad' },
      { ecosystem: 'npm', name: 'right-pad' },
    ])
    expect(await idsOf('npm', 'left-pad')).toEqual(['A-1'])
    expect(await db.all`select id from advisory_packages`).toHaveLength(2)
    expect(await db.all`select generation from advisory_generations`).toHaveLength(1)
  })

  it('does nothing for bytes that are there already', async () => {
    const path = await put('all.zip', zipOf({ 'A-1.json': record('A-1', '1.0.0') }))
    const first = await importAdvisories(db, [path])
    const second = await importAdvisories(db, [path])
    expect(second.feeds[0]).toMatchObject({ source: 'osv/npm', isUnchanged: true, change: { packages: [] } })
    expect(second.feeds[0]?.revision).toBe(first.feeds[0]?.revision ?? '')
  })

  it('takes the newest change of the data that is not in the future', async () => {
    const files = {
      'A-1.json': record('A-1', '1'),
      'A-2.json': record('A-2', '1', { modified: '2999-01-01T00:00:00Z' }),
    }
    const { feeds: imported } = await importAdvisories(db, [await put('all.zip', zipOf(files))])
    expect(new Date(imported[0]?.updatedAt ?? 0).toISOString()).toBe('2024-01-02T03:04:05.000Z')
  })

  it('drops what was withdrawn and passes over what is no record', async () => {
    const files = {
      'A-1.json': record('A-1', '1.0.0', { withdrawn: '2024-02-02T00:00:00Z' }),
      'A-2.json': record('A-2', '1.0.0'),
      'B.json': '{"id": 7}',
      'C.json': 'nothing',
      'notes.txt': 'not read',
    }
    const { feeds: imported } = await importAdvisories(db, [await put('all.zip', zipOf(files))])
    expect(imported[0]).toMatchObject({ count: 1, withdrawn: 1, skipped: { count: 2 } })
    expect(await idsOf('npm', 'left-pad')).toEqual(['A-2'])
  })

  it('keeps single records apart by their id, and those of a folder together', async () => {
    const one = await put('one/A-1.json', record('A-1', '1.0.0'))
    await put('many/A-2.json', record('A-2', '1.0.0'))
    await put('many/deeper/A-3.json', record('A-3', '1.0.0'))
    const { feeds: imported } = await importAdvisories(db, [one, join(folder, 'many')])
    expect(imported.map(({ source, count }) => `${source} ${count}`)).toEqual(['osv-record/A-1 1', 'osv-folder/many 2'])
    const coverage = (await listFeeds(db)).map(({ source, ecosystems }) => [source, ecosystems])
    expect(coverage).toEqual([
      ['osv-folder/many', ['npm']],
      ['osv-record/A-1', []],
    ])
  })

  it('makes each CVE of an announcement a vulnerability of its own', async () => {
    const more = { upstream: ['CVE-2024-1', 'CVE-2024-2'], aliases: [] }
    await importAdvisories(db, [await put('DSA-1-1.json', record('DSA-1-1', '1.0.0', more))])
    expect(await idsOf('npm', 'left-pad')).toEqual(['CVE-2024-1', 'CVE-2024-2'])
  })

  it('knows a feed by its content, whatever its name', async () => {
    const tracker = { curl: { 'CVE-2024-1': { releases: { bookworm: { status: 'open', urgency: 'low**' } } } } }
    const secdb = { distroversion: 'v3.20', reponame: 'main', packages: [{ pkg: { name: 'curl', secfixes: [] } }] }
    await put('a.zip', JSON.stringify(tracker))
    await put('b', JSON.stringify(secdb))
    await put('c.csv', '{"document": {"category": "csaf_vex"}}')
    await put('d.json', '{"half": ')
    await put('e.json', '')
    const report = await importAdvisories(db, [folder])
    expect(report.feeds.map(({ source }) => source)).toEqual(['debian-tracker', 'alpine-secdb/v3.20/main'])
    expect(report.ignored.map(({ reason }) => reason)).toEqual([
      'a CSAF document: these are not read',
      'damaged JSON',
      'an empty file',
    ])
  })
})

describe('the Debian tracker', () => {
  it('says per release what is affected, and what Debian intends', async () => {
    const states = {
      'CVE-2024-1': { status: 'resolved', fixed_version: '1.2-3', urgency: 'high' },
      'CVE-2024-2': { status: 'resolved', fixed_version: '0', urgency: 'not yet assigned' },
      'CVE-2024-3': { status: 'open', urgency: 'medium', nodsa: 'Minor issue', nodsa_reason: '' },
      'CVE-2024-4': { status: 'open', urgency: 'low', nodsa: 'Minor issue', nodsa_reason: 'postponed' },
      'CVE-2024-5': { status: 'open', urgency: 'not yet assigned', nodsa: 'Never', nodsa_reason: 'ignored' },
      'CVE-2024-6': { status: 'open', urgency: 'end-of-life' },
      'CVE-2024-7': { status: 'undetermined', urgency: 'not yet assigned' },
      'CVE-2024-8': { status: 'open', urgency: 'unimportant' },
    }
    const issues = Object.entries(states).map(([id, state]) => [
      id,
      { description: 'A \n flaw', releases: { trixie: state } },
    ])
    await importAdvisories(db, [await put('json', JSON.stringify({ curl: Object.fromEntries(issues) }))])
    const found = (await new StoredAdvisories(db).find('Debian:13', ['curl'])).get('curl') ?? []
    const said = found.map(({ advisory }) => [
      advisory.id,
      advisory.fixState,
      advisory.severity,
      advisory.isUnimportant,
    ])
    expect(said).toEqual([
      ['CVE-2024-1', 'fixed', 'high', undefined],
      ['CVE-2024-3', 'not-fixed', 'medium', undefined],
      ['CVE-2024-4', 'deferred', 'low', undefined],
      ['CVE-2024-5', 'will-not-fix', undefined, undefined],
      ['CVE-2024-6', 'end-of-life', undefined, undefined],
      ['CVE-2024-8', 'not-fixed', 'negligible', true],
    ])
    expect(found[0]?.advisory.title).toBe('A flaw')
  })

  it('is refused when it ends in the middle, and what was there stays', async () => {
    const whole = JSON.stringify({ curl: { 'CVE-2024-1': { releases: { sid: { status: 'open' } } } } })
    await importAdvisories(db, [await put('json', whole)])
    const report = await importAdvisories(db, [await put('json', whole.slice(0, -1))])
    expect(report.failed.map(({ reason }) => reason)).toEqual(['the JSON ends in the middle'])
    expect(await idsOf('Debian:sid', 'curl')).toEqual(['CVE-2024-1'])
    expect(await db.all`select generation from advisory_generations`).toHaveLength(1)
  })
})

describe('Alpine secdb', () => {
  it('names several ids in one entry, and versions that were never affected', async () => {
    const secfixes = {
      '1.2-r1': ['CVE-2024-1 XSA-1', 'CVE-2024-2 (CVE-2024-3)', 'GHSA-x1 TALOS-2'],
      '0': ['CVE-2024-4'],
    }
    const secdb = { distroversion: 'edge', reponame: 'community', packages: [{ pkg: { name: 'xen', secfixes } }] }
    const { feeds: imported } = await importAdvisories(db, [await put('x.json', JSON.stringify(secdb))])
    expect(imported[0]?.source).toBe('alpine-secdb/edge/community')
    const found = (await new StoredAdvisories(db).find('Alpine:edge', ['xen'])).get('xen') ?? []
    expect(found.map(({ advisory: { id, announcement } }) => [id, announcement])).toEqual([
      ['CVE-2024-1', 'XSA-1'],
      ['CVE-2024-2', undefined],
      ['GHSA-x1', 'TALOS-2'],
    ])
  })
})

describe('a hostile zip', () => {
  const files = { 'A-1.json': record('A-1', '1.0.0') }
  const rows: readonly (readonly [string, () => Buffer])[] = [
    ['whose checksum is another', () => zipOf(files, { crc: 1 })],
    ['that unpacks to more than it says', () => zipOf({ 'A.json': ' '.repeat(100_000) }, { size: 10 })],
    ['that unpacks to less than it says', () => zipOf(files, { size: 10_000 })],
    ['with an entry of gigabytes', () => zipOf(files, { size: 0xf0000000 })],
    ['packed in a way nobody reads', () => zipOf(files, { method: 99 })],
    ['that is cut', () => zipOf(files).subarray(0, 60)],
    ['with a name that climbs', () => zipOf({ '../../A.json': '{}' })],
    ['without any record', () => zipOf({ 'readme.txt': 'none' })],
  ]
  for (const [about, make] of rows) {
    it(`${about} is refused, and nothing of it is kept`, async () => {
      const { feeds: imported, failed } = await importAdvisories(db, [await put('all.zip', make())])
      expect(imported).toEqual([])
      expect(failed).toHaveLength(1)
      expect(await db.all`select generation from advisory_generations`).toEqual([])
    })
  }
})

if (!existsSync(feeds)) console.log(`skipped: importing the published feeds, because ${feeds} is missing`)
describe.skipIf(!existsSync(feeds))('the published feeds', () => {
  it('are imported as they are, all of them, and a second time at once', async () => {
    const report = await importAdvisories(db, [feeds])
    expect(report.failed).toEqual([])
    const counts = Object.fromEntries(report.feeds.map(({ source, count }) => [source, count]))
    expect(counts).toMatchObject({
      'debian-tracker': 7347,
      'osv/npm': 2991,
      'osv/PyPI': 7080 - 269,
      'osv/Go': 4291 - 17,
      'osv/crates.io': 1205 - 13,
      'osv/AlmaLinux': 5637,
      kev: 1662,
      epss: 2634,
    })
    expect(report.feeds.filter(({ source }) => source.startsWith('alpine-secdb/'))).toHaveLength(45)
    expect(report.feeds.flatMap(({ skipped }) => skipped.examples)).toEqual([])
    expect(report.ignored.every(({ reason }) => reason.length > 10)).toBe(true)
    const again = await importAdvisories(db, [feeds])
    expect(again.feeds.every(({ isUnchanged }) => isUnchanged)).toBe(true)
  }, 60_000)
})
