import { afterEach, beforeEach, describe, expect, it } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import { listFeeds } from '../catalog/advisories.ts'
import { parseConfig } from '../config/parse-config.ts'
import { migrate } from '../storage/migrate.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'
import { updateInChild } from './update-in-child.ts'

const FEED = JSON.stringify({ curl: { 'CVE-2024-1': { releases: { bookworm: { status: 'open', urgency: 'low' } } } } })

describe('an update of the advisories in a process of its own', () => {
  let folder: string
  let db: SqliteDatabase
  let mirror: Bun.Server<undefined>
  let answer: () => Response
  beforeEach(async () => {
    folder = await temporaryFolder('update')
    db = await SqliteDatabase.open(join(folder, 'seawall.db'))
    await migrate(db)
    answer = () => new Response(FEED)
    mirror = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => answer() })
  })
  afterEach(async () => {
    await mirror.stop(true)
    await db.close()
    await removeFolder(folder)
  })

  const config = (database = `sqlite:${join(folder, 'seawall.db')}`) =>
    parseConfig({
      env: {
        SEAWALL_DATABASE: database,
        SEAWALL_ADVISORIES_MIRROR_URL: `http://127.0.0.1:${mirror.port}`,
        SEAWALL_ADVISORIES_ALPINE: 'false',
        SEAWALL_ADVISORIES_NPM: 'false',
        SEAWALL_ADVISORIES_PYPI: 'false',
        SEAWALL_LOG_LEVEL: 'error',
      },
    })
  const never = new AbortController().signal
  const sources = async () => (await listFeeds(db)).map((feed) => feed.source)
  const leftBehind = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('seawall-update-'))
  /** A feed that begins and does not end. */
  const endless = () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) }))

  it('fetches and imports what is published', async () => {
    await updateInChild(config(), never)
    expect(await sources()).toEqual(['debian-tracker'])
  })

  it('is no failure when a feed cannot be had: the others count, and the next one comes', async () => {
    answer = () => new Response('no', { status: 500 })
    await updateInChild(config(), never)
    expect(await sources()).toEqual([])
  })

  it('fails with the reason when its database cannot be opened', async () => {
    await expect(updateInChild(config(`sqlite:${folder}`), never)).rejects.toThrow('could not be updated: ')
  })

  it('is ended at once when the server stops, and leaves no file behind', async () => {
    const before = await leftBehind()
    const stopping = new AbortController()
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    answer = () => {
      resolve()
      return endless()
    }
    const update = updateInChild(config(), stopping.signal)
    await asked
    const began = performance.now()
    stopping.abort()
    await expect(update).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(await leftBehind()).toEqual(before)
  }, 15_000)

  it('is ended when it takes too long', async () => {
    answer = endless
    await expect(updateInChild(config(), never, 1_500)).rejects.toThrow('took more than 1.5 seconds')
  }, 15_000)
})
