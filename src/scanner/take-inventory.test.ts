import { describe, expect, it } from 'bun:test'
import { tarOf } from '../../tests/fixtures/tar.ts'
import { digestOf } from '../core/digest.ts'
import { DEFAULT_LAYER_LIMITS } from './layers/layer-limits.ts'
import type { ImageSubject, SubjectLayer } from './subjects/image-subject.ts'
import { takeInventory } from './take-inventory.ts'

function layerOf(from: number, count: number): SubjectLayer {
  const names = Array.from({ length: count }, (_, at) => `app/node_modules/p${from + at}/package.json`)
  const bytes = tarOf(
    names.map((path, at) => ({ path, content: JSON.stringify({ name: `p${from + at}`, version: '1.0.0' }) })),
  )
  const open = async () => new Blob([bytes]).stream()
  return { digest: digestOf(bytes), diffId: digestOf(bytes), createdBy: null, open }
}

function imageOf(layers: readonly SubjectLayer[]): ImageSubject {
  const config = { os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [] } }
  return { name: 'test', digest: null, platform: 'linux/amd64', config, layers, async close() {} }
}

describe('an image with more names than are looked at', () => {
  const limits = { ...DEFAULT_LAYER_LIMITS, maxRecordBytes: 100_000 }

  it('because one layer is there again and again, is folded in bounded time and known in part', async () => {
    const started = performance.now()
    const layer = layerOf(0, 300)
    const { complete, reasons, packages } = await takeInventory(imageOf(Array(10_000).fill(layer)), { limits })
    expect(packages.length).toBe(300)
    expect(complete).toBe(false)
    expect(reasons[0]).toContain('more names than are looked at in one image')
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('because it has many layers, is not read to the end', async () => {
    let opened = 0
    const layers = Array.from({ length: 20 }, (_, at) => layerOf(at * 300, 300)).map((layer) => ({
      ...layer,
      open: () => {
        opened++
        return layer.open()
      },
    }))
    const { complete } = await takeInventory(imageOf(layers), { limits })
    expect(complete).toBe(false)
    expect(opened).toBeLessThan(20)
  })

  it('is not one of usual size', async () => {
    const { complete, packages } = await takeInventory(imageOf([layerOf(0, 300), layerOf(300, 300)]))
    expect([complete, packages.length]).toEqual([true, 600])
  })
})
