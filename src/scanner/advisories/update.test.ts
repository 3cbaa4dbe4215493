import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listFeeds } from '../../catalog/advisories.ts'
import { SILENT } from '../../core/log.ts'
import { migrate } from '../../storage/migrate.ts'
import { SqliteDatabase } from '../../storage/sqlite-database.ts'
import { importAdvisories } from './import-advisories.ts'
import { mirrored, publicSources } from './public-sources.ts'
import { updateAdvisories } from './update.ts'

const lastModified = 'Tue, 02 Jan 2024 03:04:05 GMT'
const everything = { debian: true, alpine: true, npm: true, pypi: true }
const debian = publicSources({ debian: true, alpine: false, npm: false, pypi: false })

let db: SqliteDatabase
let folder: string
let server: ReturnType<typeof Bun.serve>
/** What the mirror answers, by path, and what it was asked. */
let answers: Record<string, (request: Request) => Response>
let asked: Headers[]

beforeEach(async () => {
  db = await SqliteDatabase.open(':memory:')
  await migrate(db)
  folder = await mkdtemp(join(tmpdir(), 'seawall-test-'))
  answers = {}
  asked = []
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      asked.push(new Headers(request.headers))
      return answers[new URL(request.url).pathname]?.(request) ?? new Response('not here', { status: 404 })
    },
  })
})
afterEach(async () => {
  await server.stop(true)
  await db.close()
  await rm(folder, { recursive: true, force: true })
})

function trackerOf(...ids: string[]): string {
  const issues = ids.map((id) => [id, { releases: { bookworm: { status: 'open', urgency: 'low' } } }])
  return JSON.stringify({ curl: Object.fromEntries(issues) })
}

function update(limits?: { maxBytes: number; timeoutMs: number }) {
  const mirrorUrl = `http://127.0.0.1:${server.port}`
  return updateAdvisories(
    db,
    { sources: debian, mirrorUrl, temporaryFolder: folder, ...(limits && { limits }) },
    SILENT,
  )
}

describe('updating the advisories', () => {
  const path = '/tracker/data/json'

  it('fetches a feed, and afterwards only what is newer', async () => {
    answers[path] = (request) =>
      request.headers.get('if-none-match') === '"one"'
        ? new Response(null, { status: 304 })
        : new Response(trackerOf('CVE-2024-1'), { headers: { etag: '"one"', 'last-modified': lastModified } })
    const first = await update()
    expect(first.feeds.map(({ source }) => source)).toEqual(['debian-tracker'])
    expect(first.feeds[0]?.updatedAt).toBe(Date.parse(lastModified))
    const second = await update()
    expect(second).toMatchObject({ feeds: [], notModified: ['debian'], failed: [] })
    expect(await readdir(folder)).toEqual([])
  })

  it('asks by date where the publisher gives no tag', async () => {
    answers[path] = () => new Response(trackerOf('CVE-2024-1'), { headers: { 'last-modified': lastModified } })
    await update()
    const second = await update()
    expect(asked[1]?.get('if-modified-since')).toBe(lastModified)
    expect(second.feeds[0]?.isUnchanged).toBe(true)
  })

  it('fetches everything again when the feed is no longer there', async () => {
    answers[path] = () => new Response(trackerOf('CVE-2024-1'), { headers: { etag: '"one"' } })
    await update()
    await db.transaction(async (tx) => {
      await tx.run`delete from advisory_feeds`
    })
    await update()
    expect(asked[1]?.get('if-none-match')).toBeNull()
  })

  it('keeps what is there when a source fails, and goes on with the next', async () => {
    answers[path] = () => new Response(trackerOf('CVE-2024-1'))
    await update()
    const failures: (() => Response)[] = [
      () => new Response('gone', { status: 503 }),
      () => new Response('<html>sign in</html>'),
      () => new Response(trackerOf('CVE-2024-2').slice(0, -1)),
    ]
    for (const failure of failures) {
      answers[path] = failure
      const report = await update()
      expect(report.feeds).toEqual([])
      expect(report.failed).toHaveLength(1)
    }
    expect((await listFeeds(db)).map(({ count }) => count)).toEqual([1])
    expect(await readdir(folder)).toEqual([])
  })

  it('stops at the limits of size and time', async () => {
    answers[path] = () => new Response(trackerOf('CVE-2024-1'))
    expect((await update({ maxBytes: 10, timeoutMs: 10_000 })).failed[0]?.reason).toContain('larger than 10 bytes')
    answers[path] = () => new Response(new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(20)) }))
    expect((await update({ maxBytes: 10, timeoutMs: 10_000 })).failed[0]?.reason).toContain('larger than 10 bytes')
    answers[path] = () => new Response(new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(1)) }))
    expect((await update({ maxBytes: 10, timeoutMs: 300 })).failed[0]?.reason).toContain('cannot be fetched')
  })

  it('also takes an address in place of a file', async () => {
    answers['/mine.json'] = () => new Response(trackerOf('CVE-2024-1', 'CVE-2024-2'))
    const url = `http://127.0.0.1:${server.port}/mine.json`
    const { feeds } = await importAdvisories(db, [url])
    expect(feeds.map(({ source, path, count }) => ({ source, path, count }))).toEqual([
      { source: 'debian-tracker', path: url, count: 2 },
    ])
    const { failed } = await importAdvisories(db, [`http://127.0.0.1:${server.port}/none`])
    expect(failed[0]?.reason).toContain('answers 404')
  })
})

describe('the public sources', () => {
  it('can each be switched off', () => {
    const nothing = { debian: false, alpine: false, npm: false, pypi: false }
    expect(publicSources(nothing)).toEqual([])
    expect(publicSources({ ...nothing, pypi: true }).map(({ url }) => url)).toEqual([
      'https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip',
    ])
  })

  it('are at the same paths below a mirror, where none hides another', () => {
    const urls = publicSources(everything).map((source) => mirrored(source, 'https://mirror.example/seawall/').url)
    expect(urls).toContain('https://mirror.example/seawall/tracker/data/json')
    expect(urls).toContain('https://mirror.example/seawall/v3.20/main.json')
    expect(urls).toContain('https://mirror.example/seawall/npm/all.zip')
    expect(new Set(urls).size).toBe(urls.length)
  })
})
