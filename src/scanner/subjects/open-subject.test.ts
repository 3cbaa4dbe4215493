import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FixtureEntry, tarOf } from '../../../tests/fixtures/tar.ts'
import { type Digest, digestOf, hexOf } from '../../core/digest.ts'
import { takeInventory } from '../take-inventory.ts'
import { ownPlatform } from './choose-platform.ts'
import type { SubjectChoice } from './image-subject.ts'
import { openLocalSubject } from './open-subject.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seawall-subject-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

const layer = tarOf([{ path: 'node_modules/a/package.json', content: '{"name":"a","version":"1.0.0"}' }])

const configOf = (architecture: string, diffIds: readonly string[] = [digestOf(layer)]) =>
  JSON.stringify({ architecture, os: 'linux', rootfs: { diff_ids: diffIds } })

/** A file under its digest, as layouts keep them. */
const blob = (content: string | Uint8Array): FixtureEntry => ({
  path: `blobs/sha256/${hexOf(digestOf(content))}`,
  content,
})

function manifestOf(config: string, mediaType = 'application/vnd.oci.image.config.v1+json'): string {
  return JSON.stringify({ config: { mediaType, digest: digestOf(config) }, layers: [{ digest: digestOf(layer) }] })
}

interface IndexEntry {
  readonly digest: Digest
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

const layoutOf = (manifests: readonly IndexEntry[], blobs: readonly FixtureEntry[]): FixtureEntry[] => [
  { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
  { path: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
  ...blobs,
]

async function saved(entries: readonly FixtureEntry[] | Uint8Array): Promise<string> {
  const bytes = entries instanceof Uint8Array ? entries : tarOf([...entries])
  const path = join(folder, `${hexOf(digestOf(bytes)).slice(0, 12)}.tar`)
  await Bun.write(path, bytes)
  return path
}

async function opened(entries: readonly FixtureEntry[] | Uint8Array, choice: SubjectChoice = {}) {
  const subject = await openLocalSubject(await saved(entries), choice)
  await subject.close()
  return subject
}

describe('an OCI layout with several platforms', () => {
  const platforms = ['riscv64', 'arm64', 's390x', 'amd64']
  const manifests = platforms.map((architecture) => manifestOf(configOf(architecture)))
  const attestation = manifestOf('{}', 'application/vnd.oci.image.config.v1+json')
  const inner = JSON.stringify({
    manifests: [
      ...manifests.map((text, at) => ({
        digest: digestOf(text),
        platform: { os: 'linux', architecture: platforms[at] },
      })),
      { digest: digestOf(attestation), platform: { os: 'unknown', architecture: 'unknown' } },
    ],
  })
  const all = [inner, attestation, ...manifests, ...platforms.map((one) => configOf(one)), layer].map(blob)
  const layout = layoutOf([{ digest: digestOf(inner) }], all)

  it('gives the one that is asked for', async () => {
    for (const platform of ['linux/s390x', 's390x']) {
      const subject = await opened(layout, { platform })
      expect([subject.platform, subject.digest]).toEqual(['linux/s390x', digestOf(manifests[2] ?? '')])
    }
  })

  it('gives this machine its own', async () => {
    expect((await opened(layout)).platform).toBe(ownPlatform())
  })

  it('says what there is when the one asked for is not there', async () => {
    expect(opened(layout, { platform: 'linux/mips' })).rejects.toThrow(
      'has no image for linux/mips, only for linux/riscv64, linux/arm64, linux/s390x, linux/amd64.',
    )
  })

  it('passes over platforms whose bytes were not saved', async () => {
    const only = layoutOf(
      [{ digest: digestOf(inner) }],
      [inner, manifests[2] ?? '', configOf('s390x'), layer].map(blob),
    )
    expect((await opened(only)).platform).toBe('linux/s390x')
  })

  it('opens from a folder, too', async () => {
    const path = join(folder, 'layout')
    for (const { path: name, content } of layout) await Bun.write(join(path, name), content ?? '')
    const subject = await openLocalSubject(path, { platform: 'arm64' })
    const inventory = await takeInventory(subject)
    await subject.close()
    expect(inventory.packages.map(({ name, layer: brought }) => [name, brought])).toEqual([['a', digestOf(layer)]])
  })
})

describe('an archive with several images', () => {
  const names = ['demo:1', 'demo:2']
  const configs = [configOf('amd64'), configOf('arm64')]
  const docker: FixtureEntry[] = [
    {
      path: 'manifest.json',
      content: JSON.stringify(
        configs.map((_, at) => ({ Config: `${at}.json`, RepoTags: [names[at]], Layers: ['l/layer.tar'] })),
      ),
    },
    ...configs.map((content, at) => ({ path: `${at}.json`, content })),
    { path: 'base.tar', content: layer },
    { path: 'l/layer.tar', type: '2', target: '../base.tar' },
  ]

  it('wants to be told which', async () => {
    expect(opened(docker)).rejects.toThrow('holds several images; name one of them: demo:1, demo:2.')
    expect(opened(docker, { image: 'demo:3' })).rejects.toThrow('holds only demo:1, demo:2, not demo:3.')
    expect((await opened(docker, { image: 'demo:2' })).platform).toBe('linux/arm64')
  })

  it('has layers that are links to other files of it', async () => {
    const subject = await openLocalSubject(await saved(docker), { image: 'demo:1' })
    expect((await takeInventory(subject)).packages.map(({ name }) => name)).toEqual(['a'])
  })

  it('in the form of a layout wants to be told which, too', async () => {
    const manifests = configs.map((config) => manifestOf(config))
    const entries = manifests.map((text, at) => ({
      digest: digestOf(text),
      annotations: { 'org.opencontainers.image.ref.name': names[at] ?? '' },
    }))
    const layout = layoutOf(entries, [...manifests, ...configs, layer].map(blob))
    expect(opened(layout)).rejects.toThrow('holds several images; name one of them: demo:1, demo:2.')
    expect((await opened(layout, { image: 'demo:2' })).name).toBe('demo:2')
  })
})

describe('an archive that is not right says what is wrong', () => {
  const manifest = manifestOf(configOf('amd64'))
  const good = [manifest, configOf('amd64'), layer].map(blob)
  const forged = { path: blob(manifest).path, content: manifestOf(configOf('arm64')) }
  const twoIds = configOf('amd64', [digestOf(layer), digestOf('x')])
  const cases: Record<string, [FixtureEntry[], string]> = {
    'a manifest of another digest': [layoutOf([{ digest: digestOf(manifest) }], [forged]), 'has the digest'],
    'more diff_ids than layers': [
      layoutOf([{ digest: digestOf(manifestOf(twoIds)) }], [manifestOf(twoIds), twoIds, layer].map(blob)),
      'has 1 layers, but its configuration lists 2.',
    ],
    'nothing in the index': [layoutOf([], good), 'holds no image.'],
    'an artifact that is no image': [
      layoutOf(
        [{ digest: digestOf(manifestOf('{}', 'application/vnd.cncf.helm.config.v1+json')) }],
        [blob(manifestOf('{}', 'application/vnd.cncf.helm.config.v1+json'))],
      ),
      'holds no image.',
    ],
    'a digest that climbs': [
      [{ path: 'oci-layout' }, { path: 'index.json', content: '{"manifests":[{"digest":"sha256:../../etc/passwd"}]}' }],
      'is not what it should be: manifests.0.digest',
    ],
    'no JSON': [[{ path: 'manifest.json', content: '[{' }], 'manifest.json of'],
    'a layer path that climbs': [
      [{ path: 'manifest.json', content: '[{"Config":"../../../etc/passwd","Layers":[]}]' }],
      'The file ../../../etc/passwd is missing.',
    ],
    'a document beyond all measure': [
      [{ path: 'manifest.json', content: ' '.repeat(9_000_000) }],
      'more than the 8388608 that are read',
    ],
  }
  for (const [name, [entries, message]] of Object.entries(cases)) {
    it(name, async () => expect(opened(entries)).rejects.toThrow(message))
  }

  it('no tar, a cut one, an absent one', async () => {
    expect(opened(Buffer.from('hello'))).rejects.toThrow('is not a tar archive.')
    expect(opened(tarOf(layoutOf([], good)).slice(0, 1500))).rejects.toThrow('is cut off')
    expect(opened(Bun.gzipSync(Buffer.from('hello')))).rejects.toThrow('is not a tar archive.')
    expect(openLocalSubject(join(folder, 'absent'))).rejects.toThrow('There is no file or folder')
  })

  it('leaves no unpacked copy behind', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('seawall-archive-'))
    await opened(Bun.gzipSync(tarOf(layoutOf([{ digest: digestOf(manifest) }], good))))
    await opened(Bun.gzipSync(tarOf([]))).catch(() => {})
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('seawall-archive-'))).toEqual(before)
  })

  it('and a missing layer makes the inventory incomplete', async () => {
    const subject = await openLocalSubject(await saved(layoutOf([{ digest: digestOf(manifest) }], good.slice(0, 2))))
    const inventory = await takeInventory(subject)
    expect(inventory.complete).toBe(false)
    expect(inventory.reasons[0]).toContain('could not be opened: the layer sha256:')
  })
})

describe('a folder is read as one layer', () => {
  it('with its packages, without following links out of it', async () => {
    const root = join(folder, 'root')
    const outside = join(folder, 'outside')
    await Bun.write(join(root, 'etc/os-release'), 'ID=debian\nVERSION_ID="12"\n')
    await Bun.write(join(root, 'var/lib/dpkg/status'), 'Package: a\nStatus: install ok installed\nVersion: 1\n')
    const long = `app/${'very-long-folder-name/'.repeat(8)}node_modules/ünï/package.json`
    await Bun.write(join(root, long), '{"name":"long","version":"1.0.0"}')
    await Bun.write(join(outside, 'package.json'), '{"name":"outside","version":"1.0.0"}')
    await mkdir(join(root, 'node_modules'), { recursive: true })
    await symlink(outside, join(root, 'node_modules/outside'))
    const subject = await openLocalSubject(root)
    const { distribution, packages, reasons } = await takeInventory(subject)
    expect([subject.name, subject.digest, distribution?.id]).toEqual(['root', null, 'debian'])
    expect(packages.map(({ name, path, layer: brought }) => [name, path, brought])).toEqual([
      ['a', '/var/lib/dpkg/status', null],
      ['long', `/${long}`, null],
    ])
    expect(reasons).toEqual([])
  })

  it('and says so when the folder itself is gone before it is read', async () => {
    const root = join(folder, 'gone')
    await mkdir(root)
    const subject = await openLocalSubject(root)
    await rm(root, { recursive: true })
    expect((await takeInventory(subject)).reasons).toEqual(['Layer 1 of 1: The root folder could not be read.'])
  })

  it('and says what is too large to read', async () => {
    const root = join(folder, 'large')
    await Bun.write(join(root, 'etc/os-release'), '#'.repeat(2_000_000))
    const { complete, reasons } = await takeInventory(await openLocalSubject(root))
    expect([complete, reasons]).toEqual([false, ['Layer 1 of 1: "/etc/os-release" could not be read.']])
  })
})
