import { describe, expect, it } from 'bun:test'
import { type FixtureEntry, streamOf, tarOf } from '../../../tests/fixtures/tar.ts'
import type { EvidenceReader } from '../layers/file-evidence.ts'
import { DEFAULT_LAYER_LIMITS } from '../layers/layer-limits.ts'
import type { LayerRecord } from '../layers/layer-record.ts'
import { readLayer } from '../layers/read-layer.ts'
import { MergedView } from './merged-view.ts'

const NAMES = ['a', 'b', 'lib', 'metadata']

const metadataReader: EvidenceReader = {
  kind: 'npm',
  maxBytes: 1000,
  mayBeOwned: false,
  claims: (path) => path.endsWith('metadata'),
  read: (content) => ({ packages: [], fields: { text: new TextDecoder().decode(content) } }),
}

/** Always the same numbers for the same seed, so that a failure can be seen again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

function randomEntry(random: (below: number) => number): FixtureEntry {
  const pick = () => NAMES[random(NAMES.length)] ?? 'a'
  const folders = Array.from({ length: random(4) }, pick)
  const path = (name: string) => [...folders, name].join('/')
  switch (random(8)) {
    case 0:
      return { path: path(`.wh.${pick()}`) }
    case 1:
      return { path: path('.wh..wh..opq') }
    case 2:
      return { path: path(pick()), type: '2', target: ['/', '../', ''][random(3)] + pick() }
    case 3:
    case 4:
      return { path: `${path(pick())}/` }
    default:
      return { path: path(pick()), content: String(random(1_000_000)) }
  }
}

function evidenceOf(records: readonly LayerRecord[], keepsPlainFiles: boolean): string[] {
  const view = new MergedView({ keepsPlainFiles })
  for (const [layer, record] of records.entries()) view.apply(record, layer)
  return [...view.tree.walk()]
    .flatMap(([path, node]) =>
      node.kind === 'leaf' && node.leaf.evidence
        ? [`${path} ${node.leaf.layer} ${node.leaf.evidence.fields?.text}`]
        : node.kind === 'link'
          ? [`${path} -> ${node.target}`]
          : [],
    )
    .sort()
}

describe('a view without plain files', () => {
  it('has the same metadata and links as one with all of them, whatever the layers', async () => {
    const reading = { expectedDiffId: null, readers: [metadataReader], limits: DEFAULT_LAYER_LIMITS }
    let seen = 0
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomNumbers(seed)
      const records: LayerRecord[] = []
      for (let layer = 0; layer < 4; layer++) {
        const entries = Array.from({ length: 1 + random(12) }, () => randomEntry(random))
        records.push((await readLayer(streamOf(tarOf(entries)), reading)).record)
      }
      const pruned = evidenceOf(records, false)
      expect([seed, pruned]).toEqual([seed, evidenceOf(records, true)])
      seen += pruned.length
    }
    expect(seen).toBeGreaterThan(400)
  })
})
