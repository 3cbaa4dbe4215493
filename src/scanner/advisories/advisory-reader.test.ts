import { expect, it } from 'bun:test'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeOnEveryDatabase } from '../../../tests/harness/every-database.ts'
import { temporaryFolder } from '../../../tests/harness/temporary-folder.ts'
import { removeFeed } from '../../catalog/advisories.ts'
import type { Advisory } from '../../core/advisory.ts'
import type { Database } from '../../storage/database.ts'
import { StoredAdvisories } from './advisory-reader.ts'
import { clearAbandoned, FeedWriter } from './feed-writer.ts'
import { importAdvisories } from './import-advisories.ts'

function summaryOf(source: string) {
  return { source, updatedAt: null, count: 1, withdrawn: 0, ecosystems: ['npm'] }
}

/** Writes a feed that says of every package the same. */
async function write(db: Database, source: string, advisories: Readonly<Record<string, Advisory>>) {
  const writer = new FeedWriter(db, () => {})
  for (const [name, advisory] of Object.entries(advisories)) {
    await writer.advisory('npm', name, advisory)
    await writer.note(advisory.id, { severity: advisory.severity ?? 'low', title: `${source} on ${advisory.id}` })
  }
  return writer.finish(summaryOf(source), `sha256:${crypto.randomUUID()}`, 0)
}

describeOnEveryDatabase('stored advisories', (open) => {
  it('are seen when their feed is whole, and forgotten when it changes', async () => {
    const db = await open()
    const advisories = new StoredAdvisories(db)
    await write(db, 'a', { one: { id: 'A-1' }, two: { id: 'A-2', severity: 'high' } })
    await advisories.feeds()
    expect((await advisories.find('npm', ['one', 'none', 'two'])).size).toBe(2)

    const change = await write(db, 'a', { one: { id: 'A-3' }, two: { id: 'A-2', severity: 'high' } })
    expect(change).toEqual({ packages: [{ ecosystem: 'npm', name: 'one' }], vulnerabilities: ['A-1', 'A-3'] })
    await advisories.feeds()
    const found = await advisories.find('npm', ['one', 'none', 'two'])
    expect(found.get('one')?.map(({ advisory, source }) => `${source} ${advisory.id}`)).toEqual(['a A-3'])
    expect(found.get('none')).toBeUndefined()
  })

  it('answer many names at once', async () => {
    const db = await open()
    const names = Array.from({ length: 1300 }, (_, index) => `package-${index}`)
    await write(db, 'a', Object.fromEntries(names.map((name) => [name, { id: `A-${name}` }])))
    const advisories = new StoredAdvisories(db)
    expect((await advisories.find('npm', names)).size).toBe(1300)
    expect((await advisories.notes(names.map((name) => `A-${name}`))).size).toBe(1300)
    expect((await advisories.find('PyPI', names)).size).toBe(0)
  })

  it('keep texts that are hard to keep', async () => {
    const db = await open()
    const title = 'a "quoted" \\ \u0000 😀 end'
    await write(db, 'a', { 'naïve/包': { id: 'A-1', title, versions: ['\u0000', '\ud800'] } })
    const found = await new StoredAdvisories(db).find('npm', ['naïve/包'])
    expect(found.get('naïve/包')?.[0]?.advisory).toMatchObject({ title, versions: ['\u0000', '\ud800'] })
  })

  it('take one word of several feeds for each question', async () => {
    const db = await open()
    await write(db, 'osv/Bitnami', { x: { id: 'CVE-1', severity: 'critical' } })
    await write(db, 'osv/npm', { x: { id: 'CVE-1', severity: 'medium' } })
    const notes = await new StoredAdvisories(db).notes(['CVE-1', 'CVE-2'])
    expect([...notes]).toEqual([['CVE-1', { severity: 'medium', title: 'osv/npm on CVE-1' }]])
  })

  it('are gone with their feed, and what an import left behind is cleared away', async () => {
    const db = await open()
    await write(db, 'a', { one: { id: 'A-1' } })
    await db.transaction((tx) => removeFeed(tx, 'a'))
    expect((await new StoredAdvisories(db).find('npm', ['one'])).size).toBe(0)
    await clearAbandoned(db)
    expect(await db.all`select id from advisory_packages`).toHaveLength(1)
    await clearAbandoned(db, Date.now() + 2 * 60 * 60 * 1000)
    expect(await db.all`select id from advisory_packages`).toEqual([])
    expect(await db.all`select generation from advisory_generations`).toEqual([])
  })

  it('come from files in the same way', async () => {
    const db = await open()
    const folder = await temporaryFolder('advisories')
    await mkdir(folder, { recursive: true })
    const issue = { releases: { bookworm: { status: 'open', urgency: 'low' } } }
    await writeFile(join(folder, 'tracker'), JSON.stringify({ curl: { 'CVE-1-1': issue, 'CVE-1-2': issue } }))
    const { feeds } = await importAdvisories(db, [folder])
    expect(feeds[0]?.change.packages).toEqual([{ ecosystem: 'Debian:12', name: 'curl' }])
    expect((await new StoredAdvisories(db).find('Debian:12', ['curl'])).get('curl')).toHaveLength(2)
    expect((await importAdvisories(db, [folder])).feeds[0]?.isUnchanged).toBe(true)
  })
})
