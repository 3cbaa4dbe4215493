import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import type { RepositoryBody } from '../../src/api/repository.ts'
import type { RetentionPreviewBody, RetentionStateBody } from '../../src/api/retention.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { seawall } from './command.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'

describe('what a repository keeps, by the command line', () => {
  let server: Seawall
  let folder: string
  let authorization: string

  beforeAll(async () => {
    server = await startSeawall()
    folder = await temporaryFolder('cli-retention')
    authorization = `Basic ${btoa(`admin:${server.adminPassword}`)}`
    await seawall(['login', server.host, '-u', 'admin', '--password-stdin'], { folder, stdin: server.adminPassword })
    await ok('repository', 'create', 'demo', '--quota', '1GB', '--immutable-tags', 'v*')
  }, 60_000)
  afterAll(async () => {
    await removeFolder(folder)
    await server.stop()
  })

  async function ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await seawall(words, { folder })
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }

  async function json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await ok(...words, '--json'))
  }

  async function fails(...words: string[]): Promise<[number, string]> {
    const { code, stderr } = await seawall(words, { folder })
    expect(code).toBeGreaterThan(0)
    expect(stderr).not.toMatch(/\n\s+at /)
    return [code, stderr]
  }

  async function push(tag: string, mark = tag): Promise<Response> {
    return fetch(`${server.url}/v2/demo/app/manifests/${tag}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': INDEX },
      body: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { mark } }),
    })
  }

  async function tags(): Promise<string[]> {
    const answered = await fetch(`${server.url}/v2/demo/app/tags/list`, { headers: { authorization } })
    const { tags } = (await answered.json()) as { tags: string[] }
    return tags
  }

  it('sets limits, shows them with what is held, and takes them away', async () => {
    await push('main')
    const shown = await json<RepositoryBody>('repository', 'show', 'demo')
    expect(shown).toMatchObject({ immutableTags: ['v*'], quotaBytes: 1e9, usage: { quotaBytes: 1e9 } })
    expect(shown.usage?.bytes).toBeGreaterThan(100)
    expect(await ok('repository', 'show', 'demo')).toMatch(/holds +\d+ bytes of 1\.0 GB/)
    await ok('repository', 'set', 'demo', '--quota', '20GiB', '--immutable-tags', 'release-*, v*')
    expect(await json('repository', 'show', 'demo')).toMatchObject({
      immutableTags: ['release-*', 'v*'],
      quotaBytes: 20 * 1024 ** 3,
    })
    await ok('repository', 'set', 'demo', '--quota', 'none', '--immutable-tags', 'none')
    expect(await json('repository', 'show', 'demo')).toMatchObject({ immutableTags: [], quotaBytes: null })
  })

  it('sets one rule by options, many by a file, and takes all away', async () => {
    const words = '--retention-tags pr-*,tmp-* --keep-newest 10 --keep-days 90 --untagged-after-days 14'
    expect(await json('repository', 'set', 'demo', ...words.split(' '))).toMatchObject({
      retention: {
        rules: [
          { tags: ['pr-*', 'tmp-*'], images: [], keepNewest: 10, keepSetWithinDays: 90, keepPulledWithinDays: null },
        ],
        untaggedAfterDays: 14,
        mostPercent: 25,
      },
    })
    expect(await ok('repository', 'show', 'demo')).toContain(
      '1. of pr-*, tmp-* keep the 10 newest, what was set within 90 days',
    )
    await Bun.write(join(folder, 'rules.yaml'), 'rules:\n  - tags: ["a*"]\n    keepNewest: 0\nmostPercent: 50\n')
    expect(await json('repository', 'set', 'demo', '--retention', 'rules.yaml')).toMatchObject({
      retention: { rules: [{ tags: ['a*'], keepNewest: 0 }], untaggedAfterDays: 14, mostPercent: 50 },
    })
    await Bun.write(join(folder, 'rules.json'), '[{"keepNewest": 1}, {"keepSetWithinDays": 2}]')
    const set = await json<RepositoryBody>('repository', 'set', 'demo', '--retention', 'rules.json')
    expect(set.retention.rules.length).toBe(2)
    await ok('repository', 'set', 'demo', '--untagged-after-days', 'never')
    const off = await json<RepositoryBody>('repository', 'set', 'demo', '--no-retention')
    expect(off.retention).toEqual({ rules: [], untaggedAfterDays: null, mostPercent: 50 })
  })

  it('tells every mistake at once, and what cannot be said together', async () => {
    await Bun.write(join(folder, 'bad.yaml'), 'rules:\n  - tags: ["a b"]\n    keepNewest: -1\n  - {}\nother: 1\n')
    const [code, said] = await fails('repository', 'set', 'demo', '--retention', 'bad.yaml')
    expect(code).toBe(1)
    for (const part of ['rules.0.tags.0', 'rules.0.keepNewest', 'other', 'rules.1: the rule keeps nothing']) {
      expect(said).toContain(part)
    }
    for (const [words, part] of [
      [['set', 'demo', '--quota', 'much'], 'is no size'],
      [['set', 'demo', '--keep-newest', 'ten'], 'is no whole number'],
      [['set', 'demo', '--retention', 'absent.yaml'], 'cannot be read'],
      [['set', 'demo', '--retention', 'rules.json', '--keep-newest', '1'], 'not by both'],
      [['retention', 'demo', '--preview', '--run'], 'say one of them'],
      [['retention', 'demo', '--force'], '--force goes with --run'],
      [['retention', 'demo', '--run', '--keep-newest', '1'], 'rules are tried by --preview'],
    ] as const) {
      const [exit, why] = await fails('repository', ...words)
      expect([words, exit, why.includes(part)]).toEqual([words, 2, true])
    }
    expect((await fails('repository', 'set', 'demo', '--retention-tags', 'x*'))[1]).toContain('the rule keeps nothing')
    expect((await fails('repository', 'retention', 'demo', '--run'))[1]).toContain('no rules of retention')
  })

  it('tries rules before they are set, stops a run that deletes too much, and runs it when it is forced', async () => {
    for (let n = 10; n < 30; n++) await push(`pr-${n}`, 'one and the same')
    const rule = ['--retention-tags', 'pr-*', '--keep-newest', '5']
    const tried = await json<RetentionPreviewBody>('repository', 'retention', 'demo', '--preview', ...rule)
    expect(tried.items.map(({ tag }) => tag)).toEqual(Array.from({ length: 15 }, (_, n) => `pr-${n + 10}`))
    expect(tried.tally).toMatchObject({ tags: 21, deletedTags: 15, deletedManifests: 0 })
    expect((await json<RepositoryBody>('repository', 'show', 'demo')).retention.rules).toEqual([])

    await ok('repository', 'set', 'demo', ...rule)
    const all = await seawall(['repository', 'retention', 'demo', '--preview', '--all'], { folder })
    expect(all.stdout).toContain('demo/app:pr-12  would be deleted: not one of the 5 newest of pr-*; set today')
    expect(all.stdout).toContain('demo/app:pr-29  kept: one of the 5 newest of pr-*')
    expect(all.stdout).toContain('demo/app:main  kept: no rule speaks of it')
    expect(all.stderr).toContain('A run would delete 15 of 21 tags and 0 of 2 manifests.')
    expect(all.stderr).toContain('It would stop: 15 of 21 tags would go, more than 50 percent')

    const [code, said] = await fails('repository', 'retention', 'demo', '--run')
    expect([code, said.includes('--force')]).toEqual([1, true])
    expect((await tags()).length).toBe(21)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('seawall_retention{what="stopped_runs"} 1')
    expect(await ok('repository', 'retention', 'demo', '--run', '--force')).toMatch(/tags +15 of 21 deleted/)
    expect(await tags()).toEqual(['main', 'pr-25', 'pr-26', 'pr-27', 'pr-28', 'pr-29'])
    const state = await json<RetentionStateBody>('repository', 'retention', 'demo')
    expect(state).toMatchObject({ isRunning: false, report: { isForced: true, deletedTags: 15, warning: null } })
  })

  it('knows of pulls from before the server was stopped, and counts none for a look', async () => {
    const manifest = (tag: string) => `${server.url}/v2/demo/app/manifests/${tag}`
    for (const tag of ['pulled', 'seen']) await push(tag)
    await fetch(manifest('pulled'), { headers: { authorization } })
    await fetch(manifest('seen'), { method: 'HEAD', headers: { authorization } })
    await server.restart()
    const { items } = await json<RetentionPreviewBody>('repository', 'retention', 'demo', '--preview', '--all')
    const pulledAt = (name: string) => items.find(({ tag }) => tag === name)?.pulledAt
    expect([typeof pulledAt('pulled'), pulledAt('seen')]).toEqual(['string', null])
  }, 60_000)

  it('shows nothing of it to somebody who does not administer the repository', async () => {
    await seawall(['user', 'create', 'eve', '--password-stdin'], { folder, stdin: 'a password of eve\n' })
    const eve = { folder, env: { HOME: join(folder, 'eve') }, stdin: 'a password of eve\n' }
    await seawall(['login', server.host, '-u', 'eve', '--password-stdin'], eve)
    await ok('grant', 'add', 'demo', '--role', 'writer', '--user', 'eve')
    for (const word of ['--preview', '--run']) {
      const { code, stderr } = await seawall(['repository', 'retention', 'demo', word], eve)
      expect([code, stderr.includes('denied')]).toEqual([1, true])
    }
  })
})
