import { describe, expect, it } from 'bun:test'
import { entryOf, type FixtureEntry, paxOf, streamOf, tarOf } from '../../../tests/fixtures/tar.ts'
import { digestOf } from '../../core/digest.ts'
import { READERS } from '../inventory/readers.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from './layer-limits.ts'
import type { LayerRecord } from './layer-record.ts'
import { type LayerReading, readLayer } from './read-layer.ts'

const plainReading: LayerReading = { expectedDiffId: null, readers: READERS, limits: DEFAULT_LAYER_LIMITS }

async function read(bytes: Uint8Array, reading: Partial<LayerReading> = {}): Promise<LayerRecord> {
  return (await readLayer(streamOf(bytes), { ...plainReading, ...reading })).record
}

async function reasonOf(bytes: Uint8Array, limits: Partial<LayerLimits> = {}): Promise<string | undefined> {
  return (await read(bytes, { limits: { ...DEFAULT_LAYER_LIMITS, ...limits } })).unreadable?.reason
}

const files = (record: LayerRecord) => record.folders.map(({ path, files }) => `${path}: ${files}`)
const packageJson = (name: string) => JSON.stringify({ name, version: '1.0.0' })

describe('a layer is unpacked by its first bytes', () => {
  const tar = tarOf([{ path: 'a/b', content: 'hello' }])
  const diffId = digestOf(tar)
  const [front, back] = [tar.slice(0, 700), tar.slice(700)]
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])
  const forms: Record<string, Uint8Array> = {
    'plain tar': tar,
    gzip: Bun.gzipSync(tar),
    'gzip of two members': Buffer.concat([Bun.gzipSync(front), Bun.gzipSync(back)]),
    zstd: Bun.zstdCompressSync(tar),
    'zstd of two frames': Buffer.concat([Bun.zstdCompressSync(front), Bun.zstdCompressSync(back)]),
    'zstd with frames to skip': Buffer.concat([skippable, Bun.zstdCompressSync(tar), skippable]),
  }
  for (const [name, bytes] of Object.entries(forms)) {
    it(`reads ${name}`, async () => {
      const record = await read(bytes, { expectedDiffId: diffId })
      expect(record.unreadable).toBeNull()
      expect(record.diffId).toBe(diffId)
      expect(files(record)).toEqual(['a: b'])
    })
  }

  it('compares with a sha512 diff_id too', async () => {
    expect((await read(tar, { expectedDiffId: digestOf(tar, 'sha512') })).unreadable).toBeNull()
  })

  it('refuses a layer that is not what the configuration says', async () => {
    const record = await read(tar, { expectedDiffId: digestOf('another') })
    expect(record.unreadable?.reason).toContain(`holds ${diffId} where the image's configuration says`)
    expect(record.folders).toEqual([])
  })

  const broken: Record<string, [Uint8Array, string]> = {
    'gzip that is cut off': [Bun.gzipSync(tar).slice(0, -10), 'cannot be unpacked as gzip'],
    'zstd that is cut off': [Bun.zstdCompressSync(tar).slice(0, -3), 'cannot be unpacked as zstd'],
    'gzip with something else behind it': [Buffer.concat([Bun.gzipSync(tar), Buffer.from('more')]), 'as gzip'],
    xz: [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1]), 'is compressed with xz'],
    bzip2: [Buffer.from('BZh91AY&SY'), 'is compressed with bzip2'],
    JSON: [
      Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', pad: 'x'.repeat(2000) })),
      'is not a tar',
    ],
    'a few bytes': [Buffer.from('hi'), 'is not a tar archive'],
  }
  for (const [name, [bytes, reason]] of Object.entries(broken)) {
    it(`refuses ${name} with a reason`, async () => expect(await reasonOf(bytes)).toContain(reason))
  }

  it('passes on the error of a store that fails in the middle, as the layer may be good', async () => {
    for (const bytes of [tar, Bun.gzipSync(tar)]) {
      let sent = false
      const failing = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (sent) throw new Error('the store is gone')
          controller.enqueue(bytes.slice(0, 40))
          sent = true
        },
      })
      expect(readLayer(failing, plainReading)).rejects.toThrow('the store is gone')
    }
  })
})

describe('a tar is read as a container runtime reads it', () => {
  it('takes an empty layer, but not one of no bytes', async () => {
    const record = await read(new Uint8Array(1024))
    expect([record.unreadable, record.entries]).toEqual([null, 0])
    expect(record.diffId).toBe('sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef')
    for (const bytes of [new Uint8Array(), Bun.gzipSync(new Uint8Array())]) {
      expect(await reasonOf(bytes)).toBe('holds no bytes at all')
    }
  })

  it('ignores what stands behind the end mark, but hashes it', async () => {
    const bytes = Buffer.concat([tarOf([{ path: 'a' }]), entryOf({ path: 'hidden' }), new Uint8Array(1024)])
    const record = await read(bytes)
    expect(files(record)).toEqual([': a'])
    expect(record.diffId).toBe(digestOf(bytes))
  })

  it('takes a tar without an end mark', async () => expect(files(await read(entryOf({ path: 'a' })))).toEqual([': a']))

  it('takes sizes that octal cannot hold', async () => {
    const sizeField = new Uint8Array(12)
    sizeField.set([0x80])
    sizeField[11] = 5
    expect(files(await read(tarOf([{ path: 'a', content: 'hello', sizeField }, { path: 'b' }])))).toEqual([': a/b'])
  })

  it('takes the size from a PAX header', async () => {
    const entry: FixtureEntry = { path: 'a', content: 'hello', statedSize: 0, pax: { size: '5' } }
    expect(files(await read(tarOf([entry, { path: 'b' }])))).toEqual([': a/b'])
  })

  it('takes no content behind a link, whatever its size field says', async () => {
    const record = await read(tarOf([{ path: 'l', type: '2', target: 'x', statedSize: 512 }, { path: 'b' }]))
    expect(record.links).toEqual([['l', 'x']])
    expect(files(record)).toEqual([': b'])
  })

  it('lets a global PAX header rename nothing', async () => {
    const record = await read(tarOf([{ path: 'g', type: 'g', content: paxOf({ path: 'evil' }) }, { path: 'a' }]))
    expect(files(record)).toEqual([': a'])
  })

  it('skips the content of sparse files and says so when it would have mattered', async () => {
    const pax = {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 'lib/apk/db/installed',
      'GNU.sparse.realsize': '9',
    }
    const record = await read(
      tarOf([{ path: 'GNUSparseFile.0/x', content: '1\n0\n9\nP:a\nV:1\n', pax }, { path: 'b' }]),
    )
    expect(record.evidence[0]?.problem).toContain('is a sparse file')
    expect(files(record)).toEqual([': b'])
  })

  const damaged: Record<string, [Uint8Array, string]> = {
    'cut off in a file': [
      tarOf([{ path: 'etc/big', content: 'x'.repeat(3000) }]).slice(0, 2000),
      'is cut off after 1488 of 3000 bytes of "etc/big"',
    ],
    'cut off in a header': [
      tarOf([{ path: 'a' }, { path: 'b' }]).slice(0, 700),
      'is cut off in the middle of a tar header',
    ],
    'cut off behind an extended header': [
      entryOf({ path: 'p', type: 'x', content: paxOf({ path: 'a' }) }),
      'extended tar header',
    ],
    'a wrong checksum': [
      Buffer.concat([entryOf({ path: 'a' }), Buffer.alloc(512, 1)]),
      'holds a block that is no tar header',
    ],
    'a single block of zeros': [
      Buffer.concat([entryOf({ path: 'a' }), Buffer.alloc(512), entryOf({ path: 'b' })]),
      'block of zeros',
    ],
    'a negative size': [tarOf([{ path: 'a', sizeField: new Uint8Array(12).fill(255) }]), 'impossible number'],
    'a size beyond all numbers': [tarOf([{ path: 'a', pax: { size: '99999999999999999999' } }]), 'impossible size'],
    'a PAX length that leads nowhere': [
      tarOf([{ path: 'p', type: 'x', content: '99 path=a\n' }, { path: 'b' }]),
      'damaged PAX header',
    ],
    'a PAX record without a key': [
      tarOf([{ path: 'p', type: 'x', content: '5 =a\n' }, { path: 'b' }]),
      'damaged PAX header',
    ],
  }
  for (const [name, [bytes, reason]] of Object.entries(damaged)) {
    it(`refuses ${name} with a reason`, async () => expect(await reasonOf(bytes)).toContain(reason))
  }
})

describe('a layer stays within its limits', () => {
  const many = tarOf(Array.from({ length: 20 }, (_, index) => ({ path: `f${index}` })))
  const zeros = Bun.gzipSync(tarOf([{ path: 'zeros', content: new Uint8Array(3_000_000) }]))
  const bounds: Record<string, [Uint8Array, Partial<LayerLimits>, string]> = {
    entries: [many, { maxEntries: 10 }, 'holds more than 10 entries'],
    expansion: [zeros, { expansionGraceBytes: 1000 }, 'expands more than 200 times'],
    'unpacked bytes': [zeros, { maxUnpackedBytes: 100_000 }, 'unpacks to more than 100000 bytes'],
    'path length': [
      tarOf([{ path: 'p', pax: { path: 'ä'.repeat(3000) } }]),
      {},
      'holds a path of more than 4096 bytes',
    ],
    'link length': [
      tarOf([{ path: 'p', type: '2', pax: { linkpath: 'a/'.repeat(3000) } }]),
      {},
      'holds a path of more than',
    ],
    'header size': [
      tarOf([{ path: 'p', type: 'L', content: 'x'.repeat(2_000_000) }]),
      {},
      'an extended tar header of 2000000',
    ],
    'package metadata': [
      tarOf([{ path: 'node_modules/a/package.json', content: packageJson('a') }]),
      { maxEvidenceBytes: 10 },
      'more than 10 bytes of package metadata',
    ],
  }
  for (const [name, [bytes, limits, reason]] of Object.entries(bounds)) {
    it(`of ${name}`, async () => expect(await reasonOf(bytes, limits)).toContain(reason))
  }

  it('stops a bomb of a thousandfold long before it is unpacked', async () => {
    const bomb = Bun.gzipSync(new Uint8Array(400_000_000), { level: 9 })
    expect(await reasonOf(Buffer.concat([Bun.gzipSync(entryOf({ path: 'a' })), bomb]))).toContain(
      'expands more than 200 times',
    )
  })
})

describe('paths and links stay inside the image', () => {
  it('leaves out entries that climb, and says so', async () => {
    const climbing = ['../evil', 'a/../../evil', 'a/../b', '/..'].map((path) => ({ path, content: 'x' }))
    const record = await read(tarOf([...climbing, { path: '/abs/./ok//', type: '5' }, { path: 'fine' }]))
    expect(files(record)).toEqual([': fine', 'abs/ok: '])
    expect(record.notes).toHaveLength(4)
    expect(record.notes[0]).toBe('An entry was left out because its path is not allowed: "../evil".')
  })

  it('lets no whiteout name a folder above it', async () => {
    const record = await read(tarOf(['a/.wh...', 'a/.wh..', 'a/.wh.', 'a/.wh..wh.plnk'].map((path) => ({ path }))))
    expect(record.whiteouts).toEqual([])
    expect(record.notes).toHaveLength(3)
  })

  it('ends a circle of links', async () => {
    const links: FixtureEntry[] = [
      { path: 'a', type: '2', target: 'b' },
      { path: 'b', type: '2', target: 'a' },
    ]
    const record = await read(tarOf([...links, { path: 'a/x' }, { path: 'ok' }]))
    expect(record.notes).toEqual(['An entry was left out because links lead in a circle: "a/x".'])
    expect(files(record)).toEqual([': ok'])
  })

  it('keeps an entry below a link where the link leads, never outside the root', async () => {
    const link = { path: 'lnk', type: '2', target: '../../../etc' }
    expect(files(await read(tarOf([link, { path: 'lnk/x' }])))).toEqual(['etc: x'])
  })

  it('shows no control characters of a path to a terminal', async () => {
    const record = await read(tarOf([{ path: 'p', pax: { path: '../\u001b[2J\u202eevil' } }]))
    expect(record.notes[0]).toEndWith('"../\\u001b[2J?evil".')
  })
})

describe('hard links share the content of their target', () => {
  it('with a target that was read', async () => {
    const record = await read(
      tarOf([
        { path: 'a/node_modules/x/package.json', content: packageJson('x') },
        { path: 'b/node_modules/x/package.json', type: '1', target: 'a/node_modules/x/package.json' },
      ]),
    )
    expect(record.evidence.map(({ path, packages }) => [path, packages[0]?.name])).toEqual([
      ['a/node_modules/x/package.json', 'x'],
      ['b/node_modules/x/package.json', 'x'],
    ])
  })

  it('asks for a second reading when the target went by unread', async () => {
    const tar = tarOf([
      { path: 'store/0a1b', content: packageJson('x') },
      { path: 'app/node_modules/x/package.json', type: '1', target: 'store/0a1b' },
    ])
    const first = await readLayer(streamOf(tar), plainReading)
    expect(first.missed).toEqual(['store/0a1b'])
    expect(first.record.evidence[0]?.problem).toContain('is a hard link to "/store/0a1b"')
    const second = await readLayer(streamOf(tar), { ...plainReading, alsoRead: new Set(first.missed) })
    expect(second.record.evidence[0]?.packages[0]?.name).toBe('x')
  })
})
