import { describe, expect, it } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import type { InstalledPackage } from '../../core/inventory.ts'
import { foldLayers } from '../inventory/fold-layers.ts'
import { READERS } from '../inventory/readers.ts'
import { DEFAULT_LAYER_LIMITS } from '../layers/layer-limits.ts'
import type { LayerRecord } from '../layers/layer-record.ts'
import { readLayer } from '../layers/read-layer.ts'
import { takeInventory } from '../take-inventory.ts'
import { openLocalSubject } from './open-subject.ts'

const folder = '../shared/data/truth/images'
const isThere = existsSync(folder)
if (!isThere) console.log(`skipped: ${folder} is missing`)

interface FoundPackage {
  readonly name: string
  readonly version: string
  readonly origin?: string
  readonly source?: string
  readonly sourceVersion?: string
  readonly arch?: string
  readonly at?: string
}

interface Found {
  readonly os?: { readonly ID: string; readonly VERSION_ID: string }
  readonly apk?: readonly FoundPackage[]
  readonly deb?: readonly FoundPackage[]
  readonly npm?: readonly FoundPackage[]
}

interface ExpectedLayer {
  readonly diffId: string
  readonly matchesConfig: boolean
  readonly entries: number
  readonly whiteouts: number
  readonly opaque: number
}

interface ExpectedImage {
  readonly manifestDigest?: string
  readonly configDigest: string
  readonly architecture: string
  readonly os: string
  readonly kind?: string
  readonly layers: readonly ExpectedLayer[]
  readonly found: Found | 'same as above'
}

interface Expected {
  readonly file: string
  readonly about: string
  readonly diffId?: string
  readonly images?: readonly ExpectedImage[]
  readonly layer?: Omit<ExpectedLayer, 'diffId' | 'matchesConfig'>
  readonly found?: Found
}

/** The same form for what was found and what should have been; Java and lock files are not read. */
function rowsOf(found: Found): string[] {
  const os = (found.apk ?? []).map((one) => ['apk', one.name, one.version, one.origin, one.version, one.arch])
  const deb = (found.deb ?? []).map((one) => ['deb', one.name, one.version, one.source, one.sourceVersion, one.arch])
  const npm = (found.npm ?? []).map((one) => ['npm', one.name, one.version, `/${one.at}`])
  return [...os, ...deb, ...npm].map((row) => row.join(' ')).sort()
}

function rowOf({ type, name, version, source, architecture, path }: InstalledPackage): string {
  if (type === 'npm') return [type, name, version, path].join(' ')
  return [type, name, version, source?.name, source?.version, architecture].join(' ')
}

async function read(path: string): Promise<LayerRecord> {
  const reading = { expectedDiffId: null, readers: READERS, limits: DEFAULT_LAYER_LIMITS }
  return (await readLayer(Bun.file(path).stream(), reading)).record
}

const expectations: Expected[] = isThere
  ? await Promise.all(readdirSync(`${folder}/expected`).map((file) => Bun.file(`${folder}/expected/${file}`).json()))
  : []

describe.skipIf(!isThere)('image archives', () => {
  for (const expected of expectations.filter(({ images }) => images && images.length > 0)) {
    const images = (expected.images ?? []).filter(({ kind }) => kind === undefined)
    const image = images.find(({ manifestDigest }) => manifestDigest) ?? images[0]
    const found = images.map((one) => one.found).find((one) => one !== 'same as above')
    if (!image || typeof found !== 'object') continue

    it(`${expected.file}: ${expected.about}`, async () => {
      const subject = await openLocalSubject(`${folder}/${expected.file}`)
      try {
        expect(subject.digest as string).toBe(image.manifestDigest ?? image.configDigest)
        expect(subject.platform).toBe(`${image.os}/${image.architecture}`)
        const inventory = await takeInventory(subject)
        if (!image.layers.every(({ matchesConfig }) => matchesConfig)) {
          expect([inventory.complete, inventory.packages]).toEqual([false, []])
          expect(inventory.reasons[0]).toContain("where the image's configuration says")
          return
        }
        expect(inventory.reasons).toEqual([])
        expect([inventory.distribution?.id, inventory.distribution?.version]).toEqual([
          found.os?.ID,
          found.os?.VERSION_ID,
        ])
        expect(inventory.packages.map(rowOf).sort()).toEqual(rowsOf(found))
      } finally {
        await subject.close()
      }
    })

    it(`${expected.file}: every layer as it is, not compared with the configuration`, async () => {
      const subject = await openLocalSubject(`${folder}/${expected.file}`)
      try {
        const records: LayerRecord[] = []
        for (const [index, layer] of subject.layers.entries()) {
          const source = await layer.open()
          const stream = source instanceof ReadableStream ? source : Bun.file(source.path).stream()
          const reading = { expectedDiffId: null, readers: READERS, limits: DEFAULT_LAYER_LIMITS }
          const { record } = await readLayer(stream, reading)
          const want = image.layers[index]
          expect([record.diffId as string, record.opaque.length, record.whiteouts.length]).toEqual([
            want?.diffId ?? '',
            want?.opaque ?? 0,
            want?.whiteouts ?? 0,
          ])
          records.push(record)
        }
        expect(foldLayers(records).packages.map(rowOf).sort()).toEqual(rowsOf(found))
      } finally {
        await subject.close()
      }
    })
  }
})

describe.skipIf(!isThere)('bare layers', () => {
  for (const expected of expectations.filter(({ layer }) => layer)) {
    it(`${expected.file}: ${expected.about}`, async () => {
      const record = await read(`${folder}/${expected.file}`)
      expect(record.unreadable).toBeNull()
      if (expected.diffId !== undefined) expect(record.diffId as string).toBe(expected.diffId)
      const { layer, found } = expected
      expect([record.whiteouts.length, record.opaque.length]).toEqual([layer?.whiteouts ?? 0, layer?.opaque ?? 0])
      const inventory = foldLayers([record])
      expect(inventory.packages.map(rowOf).sort()).toEqual(rowsOf(found ?? {}))
      expect(inventory.distribution?.version).toBe(found?.os?.VERSION_ID as string)
    })
  }

  it('are no image archives, and opening them says so', async () => {
    for (const file of [
      'unsupported-archive.tar',
      'layer-with-bad-elf.tar',
      'alpine-minirootfs-3.20.3-x86_64.tar.gz',
    ]) {
      expect(openLocalSubject(`${folder}/${file}`)).rejects.toThrow('is a tar archive, but no image')
    }
  })
})
