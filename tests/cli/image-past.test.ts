import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import type { DeletionBody, RestoredBody, TagChangeBody } from '../../src/api/image-past.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { image, type SampleImage } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'
import { seawall } from './command.ts'

describe('the command line, about what was', () => {
  let server: Seawall
  let folder: string
  let app: ImageClient
  let first: SampleImage
  let second: SampleImage

  beforeAll(async () => {
    server = await startSeawall({ env: { SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0' } })
    folder = await temporaryFolder('cli')
    await signIn('admin', server.adminPassword, folder)
    const admin = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
    app = new ImageClient(admin, 'demo/app')
    first = await push()
    second = await push()
  })
  afterAll(async () => {
    await removeFolder(folder)
    await server.stop()
  })

  async function push(): Promise<SampleImage> {
    const made = await image()
    for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
    await app.putManifest('1', made.manifest)
    return made
  }

  async function signIn(user: string, password: string, home: string): Promise<void> {
    const words = ['login', server.host, '-u', user, '--password-stdin']
    const { code, stderr } = await seawall(words, { folder, env: { HOME: home }, stdin: `${password}\n` })
    expect([code, stderr]).toEqual([0, ''])
  }

  async function ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await seawall(words, { folder })
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }

  async function json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await ok(...words, '--json'))
  }

  it('shows where a tag pointed, and moves it back', async () => {
    const [old, now] = [first.manifest.digest, second.manifest.digest]
    const history = await json<{ items: TagChangeBody[] }>('image', 'history', `${server.host}/demo/app:1`)
    expect(history.items.map(({ digest, changedBy }) => [digest, changedBy])).toEqual([
      [now, 'admin'],
      [old, 'admin'],
    ])
    expect(await ok('tag', 'restore', `${server.host}/demo/app:1`, old)).toBe(`demo/app:1 points at ${old}\n`)
    expect((await app.manifest('HEAD', '1')).headers.get('docker-content-digest')).toBe(old)
    expect(await ok('image', 'history', 'demo/app:1')).toMatch(new RegExp(`admin +${old}\n.*${now}\n.*${old}\n$`))
  })

  it('brings back what was deleted, by its tag or its digest', async () => {
    const { digest } = first.manifest
    expect((await app.manifest('DELETE', digest)).status).toBe(202)
    const { items } = await json<{ items: DeletionBody[] }>('image', 'deletions', `${server.host}/demo/app`)
    expect(items).toMatchObject([{ deletedBy: 'admin', tags: [{ tag: '1', digest }], manifests: [{ digest }] }])
    expect(await ok('image', 'deletions', 'demo/app')).toMatch(new RegExp(`admin +request +1, ${digest} +20`))
    const text = await ok('undelete', `${server.host}/demo/app:1`)
    expect(text).toBe(`Brought back of demo/app: 1 manifest, 1 tag\n  1\n  ${digest}\n`)
    expect((await app.manifest('GET', '1')).status).toBe(200)
    await app.manifest('DELETE', digest)
    const restored = await json<RestoredBody>('undelete', `${server.host}/demo/app@${digest}`)
    expect(restored).toMatchObject({ name: 'demo/app', manifests: [digest], tags: ['1'] })
    const again = await seawall(['undelete', 'demo/app:1'], { folder })
    expect([again.code, again.stderr.includes('nothing that was deleted under 1')]).toEqual([1, true])
  })

  it('gives up for good what shall not come back', async () => {
    await app.manifest('DELETE', '1')
    expect(await json('image', 'purge', `${server.host}/demo/app:1`)).toEqual({ name: 'demo/app', deletions: 1 })
    expect(await ok('image', 'purge', 'demo/app')).toBe('Nothing was deleted of demo/app\n')
    expect((await seawall(['undelete', 'demo/app:1'], { folder })).code).toBe(1)
    expect(await json('image', 'deletions', 'demo/app')).toEqual({ items: [] })
  })

  it('tells nothing to who may not look', async () => {
    const made = await seawall(['user', 'create', 'eve', '--password-stdin'], { folder, stdin: 'a password of eve\n' })
    expect(made.code).toBe(0)
    const home = join(folder, 'eve')
    await signIn('eve', 'a password of eve', home)
    for (const words of [
      ['image', 'deletions', 'demo/app'],
      ['image', 'history', 'demo/app:1'],
      ['image', 'purge', 'demo/app'],
      ['undelete', 'demo/app:1'],
      ['tag', 'restore', 'demo/app:1', first.manifest.digest],
    ]) {
      const about = (name: string) =>
        seawall(
          words.map((word) => word.replace('demo/app', name)),
          { folder, env: { HOME: home } },
        )
      const [there, absent] = [await about('demo/app'), await about('none/app')]
      expect([there.code, there.stdout]).toEqual([1, ''])
      expect(there.stderr.replace(/\S*-\w+\b/g, '')).toBe(absent.stderr.replace(/\S*-\w+\b/g, ''))
    }
  })
})
