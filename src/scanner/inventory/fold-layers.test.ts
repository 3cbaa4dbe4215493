import { describe, expect, it } from 'bun:test'
import { createHash } from 'node:crypto'
import { type FixtureEntry, streamOf, tarOf } from '../../../tests/fixtures/tar.ts'
import { type Digest, digestOf } from '../../core/digest.ts'
import type { ImageInventory, InstalledPackage } from '../../core/inventory.ts'
import { DEFAULT_LAYER_LIMITS } from '../layers/layer-limits.ts'
import type { LayerRecord } from '../layers/layer-record.ts'
import { readLayer } from '../layers/read-layer.ts'
import { foldLayers } from './fold-layers.ts'
import { READERS } from './readers.ts'

/** Folds layers of these entries, bottom first; the digests are those of the layers. */
async function fold(...layers: FixtureEntry[][]): Promise<ImageInventory & { readonly diffIds: Digest[] }> {
  const records: LayerRecord[] = []
  for (const entries of layers) {
    const reading = { expectedDiffId: null, readers: READERS, limits: DEFAULT_LAYER_LIMITS }
    records.push((await readLayer(streamOf(tarOf(entries)), reading)).record)
  }
  return { ...foldLayers(records), diffIds: layers.map((entries) => digestOf(tarOf(entries))) }
}

function status(...packages: string[]): FixtureEntry {
  const paragraphs = packages.map((text) => {
    const [name, version] = text.split('=')
    return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`
  })
  return { path: 'var/lib/dpkg/status', content: paragraphs.join('\n') }
}

const metadata = (name: string, version: string) =>
  `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\nText\n`
const brief = ({ name, version }: InstalledPackage) => `${name} ${version}`
const debian: FixtureEntry = { path: 'usr/lib/os-release', content: 'ID=debian\nVERSION_ID="12"\n' }

describe('packages are attributed to the layer that brought them', () => {
  it('although every layer rewrites the whole database', async () => {
    const { packages, diffIds } = await fold(
      [status('a=1', 'b=1', 'c=1')],
      [status('a=1', 'b=2', 'c=1', 'd=1')],
      [status('a=1', 'b=2', 'd=1')],
      [status('a=1', 'b=2', 'd=1', 'c=1')],
    )
    expect(packages.map((one) => [brief(one), diffIds.indexOf(one.layer ?? digestOf(''))])).toEqual([
      ['a 1', 0],
      ['b 2', 1],
      ['c 1', 3],
      ['d 1', 1],
    ])
  })

  it('with a file for each package, whose removal in a higher layer counts', async () => {
    const part = (name: string) => ({
      path: `var/lib/dpkg/status.d/${name}`,
      content: `Package: ${name}\nVersion: 1\n`,
    })
    const { packages, diffIds } = await fold(
      [part('a'), part('b')],
      [part('a')],
      [{ path: 'var/lib/dpkg/status.d/.wh.b' }],
    )
    expect(packages.map((one) => [brief(one), one.layer])).toEqual([['a 1', diffIds[0] ?? null]])
  })

  it('and a language package to the layer of its metadata', async () => {
    const path = 'usr/local/lib/python3.12/site-packages/x-1.dist-info/METADATA'
    const { packages, diffIds } = await fold(
      [{ path, content: metadata('x', '1') }],
      [{ path, content: metadata('x', '2') }],
    )
    expect(packages.map((one) => [brief(one), one.path, one.layer])).toEqual([['x 2', `/${path}`, diffIds[1] ?? null]])
  })
})

describe('databases are found where a container would find them', () => {
  const installed = { path: 'usr/lib/apk/db/installed', content: 'P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n' }
  const link = { path: 'lib', type: '2', target: 'usr/lib' }

  it('through a link, and only once', async () => {
    const { packages } = await fold([installed, link])
    expect(packages.map((one) => [brief(one), one.path])).toEqual([['musl 1.2.5-r0', '/usr/lib/apk/db/installed']])
  })

  it('when a higher layer writes through the link of a lower one', async () => {
    const newer = { path: 'lib/apk/db/installed', content: 'P:musl\nV:1.2.6-r0\n\n' }
    expect((await fold([installed, link], [newer])).packages.map(brief)).toEqual(['musl 1.2.6-r0'])
  })

  it('not when a file has taken the place of a folder above them', async () => {
    expect((await fold([installed], [{ path: 'usr/lib/apk' }])).packages).toEqual([])
  })

  it('not when a link has taken the place of a folder above them', async () => {
    expect((await fold([installed], [{ path: 'usr', type: '2', target: '/elsewhere' }])).packages).toEqual([])
  })
})

describe('a distribution is named by its files', () => {
  const cases: Record<string, [FixtureEntry[], [id: string, version: string] | null]> = {
    'by os-release through its link': [
      [debian, { path: 'etc/os-release', type: '2', target: '../usr/lib/os-release' }],
      ['debian', '12'],
    ],
    'by os-release through an absolute link': [
      [debian, { path: 'etc/os-release', type: '2', target: '/usr/lib/os-release' }],
      ['debian', '12'],
    ],
    'by the file in /usr when there is none in /etc': [[debian], ['debian', '12']],
    'Debian testing, which has no number': [
      [
        { path: 'etc/os-release', content: 'ID=debian\n' },
        { path: 'etc/debian_version', content: 'trixie/sid\n' },
      ],
      ['debian', ''],
    ],
    'Debian before os-release': [[{ path: 'etc/debian_version', content: '6.0.10\n' }], ['debian', '6']],
    'Alpine before os-release': [[{ path: 'etc/alpine-release', content: '2.7.9\n' }], ['alpine', '2.7.9']],
    'Alpine edge by its repositories': [
      [
        { path: 'etc/os-release', content: 'ID=alpine\nVERSION_ID=3.22_alpha20250108\n' },
        {
          path: 'etc/apk/repositories',
          content: 'https://cdn.example/alpine/edge/main\nhttps://cdn.example/alpine/edge/community\n',
        },
      ],
      ['alpine', 'edge'],
    ],
    'Alpine with one package from edge': [
      [
        { path: 'etc/os-release', content: 'ID=alpine\nVERSION_ID=3.20.3\n' },
        {
          path: 'etc/apk/repositories',
          content: 'https://cdn.example/alpine/v3.20/main\n@edge https://cdn.example/alpine/edge/main\n',
        },
      ],
      ['alpine', '3.20.3'],
    ],
    'not at all by a link out of the image': [
      [{ path: 'etc/os-release', type: '2', target: '../../../../../etc/hostname' }],
      null,
    ],
    'not at all by links in a circle': [[{ path: 'etc/os-release', type: '2', target: 'os-release' }], null],
  }
  for (const [name, [entries, expected]] of Object.entries(cases)) {
    it(name, async () => {
      const { distribution } = await fold(entries)
      expect(distribution && [distribution.id, distribution.version]).toEqual(expected)
    })
  }
})

describe('a language package belongs to the distribution', () => {
  const egg = 'usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO'
  const file = { path: egg, content: metadata('six', '1.16.0') }
  const list = { path: 'var/lib/dpkg/info/python3-six.list', content: `/.\n/usr\n/usr/bin/x\n/${egg}\n` }
  const md5 = createHash('md5').update(file.content).digest('hex')
  const sums = { path: 'var/lib/dpkg/info/python3-six.md5sums', content: `${md5}  ${egg}\n` }
  const database = status('python3-six=1.16.0-4')
  const owners = ({ packages }: ImageInventory) =>
    packages.filter(({ type }) => type !== 'deb' && type !== 'apk').map((one) => one.ownedBy)

  it('whose package lists its metadata', async () => {
    expect(owners(await fold([debian, database, list, file]))).toEqual(['python3-six'])
  })

  it('whose list says it for an architecture', async () => {
    const forArchitecture = { ...list, path: 'var/lib/dpkg/info/python3-six:amd64.list' }
    expect(owners(await fold([debian, database, forArchitecture, file]))).toEqual(['python3-six'])
  })

  it('whose checksums list it beside status.d, with no other list', async () => {
    const part = { path: 'var/lib/dpkg/status.d/six', content: 'Package: python3-six\nVersion: 1.16.0-4\n' }
    const partSums = { path: 'var/lib/dpkg/status.d/python3-six.md5sums', content: `${md5}  ${egg}\n` }
    expect(owners(await fold([part, partSums, file]))).toEqual(['python3-six'])
  })

  it('until a higher layer writes the file anew', async () => {
    expect(owners(await fold([database, list, file], [{ ...file, content: metadata('six', '1.17.0') }]))).toEqual([
      undefined,
    ])
  })

  it('still, when a higher layer wrote the same bytes again', async () => {
    expect(owners(await fold([database, list, sums, file], [file]))).toEqual(['python3-six'])
  })

  it('no more, when the file was changed in the very layer of its package', async () => {
    const changed = { ...file, content: metadata('six', '1.17.0') }
    expect(owners(await fold([database, list, sums, changed]))).toEqual([undefined])
  })

  it('not, when the package that lists it is removed', async () => {
    expect(owners(await fold([database, list, file], [status('other=1')]))).toEqual([undefined])
  })

  it('whose apk database lists it, by the hash of the file', async () => {
    const sha1 = createHash('sha1').update(file.content).digest('base64')
    const [folder, name] = ['usr/lib/python3/dist-packages/six-1.16.0.egg-info', 'PKG-INFO']
    const apk = (hash: string) => ({
      path: 'lib/apk/db/installed',
      content: `P:py3-six\nV:1.16.0-r9\nF:usr/bin\nR:x\nZ:Q1AAAA\nF:${folder}\nR:other\nZ:Q1BBBB\nR:${name}\nZ:Q1${hash}\n\n`,
    })
    expect(owners(await fold([apk(sha1), file]))).toEqual(['py3-six'])
    expect(owners(await fold([apk(Buffer.from('x'.repeat(20)).toString('base64')), file]))).toEqual([undefined])
  })

  it('also where the package says /lib and the image has a link', async () => {
    const entries: FixtureEntry[] = [
      { path: 'lib', type: '2', target: 'usr/lib' },
      database,
      { ...list, content: `/${egg.replace('usr/', '')}\n` },
      file,
    ]
    expect(owners(await fold(entries))).toEqual(['python3-six'])
  })
})

describe('an inventory says when it is not complete', () => {
  it('because a layer could not be read, while the others count', async () => {
    const reading = { expectedDiffId: digestOf('x'), readers: READERS, limits: DEFAULT_LAYER_LIMITS }
    const { record } = await readLayer(streamOf(tarOf([status('a=1')]).slice(0, 560)), reading)
    const good = (await readLayer(streamOf(tarOf([status('b=1')])), { ...reading, expectedDiffId: null })).record
    const inventory = foldLayers([record, good])
    expect(inventory.complete).toBe(false)
    expect(inventory.reasons).toEqual([
      `Layer 1 of 2 (${digestOf('x')}) could not be read: it is cut off after 48 of 71 bytes of "var/lib/dpkg/status".`,
    ])
    expect(inventory.packages.map(brief)).toEqual(['b 1'])
  })

  const cases: Record<string, [FixtureEntry, string]> = {
    'because a package cannot be parsed': [{ path: 'node_modules/x/package.json', content: '{' }, 'is not valid JSON'],
    'because a database is none': [
      { path: 'var/lib/dpkg/status', content: 'asdf\n\nyolo' },
      'is not a dpkg status file',
    ],
    'because it has packages that are not read': [{ path: 'var/lib/rpm/Packages', content: 'x' }, 'lists rpm packages'],
    'because a path was refused': [{ path: '../x' }, 'its path is not allowed'],
    'because a link moves a database to where it was not read': [
      { path: 'var/lib/dpkg', type: '2', target: '/opt/database' },
      '/var/lib/dpkg/status leads to "/opt/database/status", which was not read.',
    ],
    'because links lead a database nowhere': [
      { path: 'var/lib/dpkg/status', type: '2', target: 'status' },
      '/var/lib/dpkg/status leads to nowhere, which was not read.',
    ],
    'because a file was too large': [
      { path: 'etc/os-release', content: `ID=debian\n${'#'.repeat(1_100_000)}` },
      'is larger than 1048576 bytes',
    ],
  }
  for (const [name, [entry, reason]] of Object.entries(cases)) {
    it(name, async () => {
      const { complete, reasons } = await fold([entry])
      expect([complete, reasons.length]).toEqual([false, 1])
      expect(reasons[0]).toContain(reason)
    })
  }

  it('but not because of the links of a merged /usr', async () => {
    const { complete } = await fold([{ path: 'lib', type: '2', target: 'usr/lib' }, status('a=1')])
    expect(complete).toBe(true)
  })

  it('but not because of what a higher layer removed', async () => {
    const inventory = await fold(
      [{ path: 'node_modules/x/package.json', content: '{' }],
      [{ path: 'node_modules/.wh.x' }],
    )
    expect([inventory.complete, inventory.packages]).toEqual([true, []])
  })
})

describe('package URLs carry what scanners compare', () => {
  it('for deb, apk, npm and pypi', async () => {
    const { packages } = await fold([
      debian,
      status('openssl=3.0.15-1~deb12u1', 'vim=2:9.0.1378-2+b1'),
      { path: 'a/node_modules/@babel/core/package.json', content: '{"name":"@babel/core","version":"7.0.0+x"}' },
      { path: 'a/z.so-1.dist-info/METADATA', content: metadata('Zope.Interface_x', '1.0') },
    ])
    expect(packages.map(({ purl }) => purl)).toEqual([
      'pkg:deb/debian/openssl@3.0.15-1~deb12u1?arch=amd64&distro=debian-12',
      'pkg:deb/debian/vim@2:9.0.1378-2%2Bb1?arch=amd64&distro=debian-12',
      'pkg:npm/%40babel/core@7.0.0%2Bx',
      'pkg:pypi/zope-interface-x@1.0',
    ])
  })
})
