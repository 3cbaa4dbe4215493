import { describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { MergedView } from '../inventory/merged-view.ts'
import type { EvidenceReader } from './file-evidence.ts'
import { LayerBuilder } from './layer-builder.ts'
import { DEFAULT_LAYER_LIMITS } from './layer-limits.ts'
import { decodeLayerRecord, encodeLayerRecord, type LayerRecord } from './layer-record.ts'
import { readLayer } from './read-layer.ts'

const folder = '../shared/data/truth/layers'

interface StackRow {
  readonly name: string
  readonly about: string
  readonly layers: readonly string[]
  readonly present: readonly string[]
  readonly absent: readonly string[]
  readonly types?: Record<string, string>
  readonly content?: Record<string, string>
  readonly resolve?: Record<string, string>
  readonly winningLayer?: Record<string, number>
  readonly error?: boolean
}

/** Keeps every file's text, so that the merged view can be compared with what a container would read. */
const keepText: EvidenceReader = {
  kind: 'distribution',
  maxBytes: 1_000_000,
  mayBeOwned: false,
  claims: () => true,
  read: (content) => ({ packages: [], fields: { text: new TextDecoder().decode(content) } }),
}

async function read(path: string): Promise<LayerRecord> {
  const reading = { expectedDiffId: null, readers: [keepText], limits: DEFAULT_LAYER_LIMITS }
  const { record } = await readLayer(Bun.file(path).stream(), reading)
  return decodeLayerRecord(encodeLayerRecord(record))
}

function viewOf(records: readonly LayerRecord[]): MergedView {
  const view = new MergedView({ keepsPlainFiles: true })
  for (const [index, record] of records.entries()) view.apply(record, index)
  return view
}

/** What the test data says of a path, beside what the view says. */
function compare(row: StackRow, { tree }: MergedView): [expected: unknown[], actual: unknown[]] {
  const expected: unknown[] = []
  const actual: unknown[] = []
  const check = (what: string, want: unknown, got: unknown) => {
    expected.push([what, want])
    actual.push([what, got])
  }
  const find = (path: string) => tree.find(path.replace(/\/$/, ''))
  const leaf = (path: string) => {
    const node = find(path)
    return node?.kind === 'leaf' ? node.leaf : undefined
  }
  for (const path of row.present) {
    check(path, true, find(path) !== undefined)
    if (path.endsWith('/')) check(path, 'folder', find(path)?.kind)
  }
  for (const path of row.absent) check(path, undefined, find(path))
  for (const [path, type] of Object.entries(row.types ?? {})) {
    check(path, type === 'directory' ? 'folder' : 'leaf', find(path)?.kind)
  }
  for (const [path, text] of Object.entries(row.content ?? {})) check(path, text, leaf(path)?.evidence?.fields?.text)
  for (const [path, target] of Object.entries(row.resolve ?? {})) check(path, target.split(' ')[0], tree.resolve(path))
  for (const [path, layer] of Object.entries(row.winningLayer ?? {})) check(path, layer - 1, leaf(path)?.layer)
  return [expected, actual]
}

const isThere = existsSync(folder)
if (!isThere) console.log(`skipped: ${folder} is missing`)

describe.skipIf(!isThere)('layers merge like the reference stacks', async () => {
  const rows: StackRow[] = isThere ? (await Bun.file(`${folder}/stacks/expected.json`).json()).rows : []
  for (const row of rows) {
    it(`${row.name}: ${row.about}`, async () => {
      const records = await Promise.all(row.layers.map((layer) => read(`${folder}/stacks/${row.name}/${layer}`)))
      expect(records.some((record) => record.unreadable !== null)).toBe(row.error ?? false)
      const [expected, actual] = compare(row, viewOf(records))
      expect(actual).toEqual(expected)
    })
  }
})

interface OverRow {
  readonly file: string
  readonly whiteouts: readonly string[]
  readonly opaque: readonly string[]
  readonly over: readonly { readonly lower: readonly string[]; readonly merged: readonly string[] }[]
}

interface ResolverCase {
  readonly name: string
  readonly layers: number
  readonly packages: readonly { readonly id: string; readonly path: string; readonly introducedIn: readonly number[] }[]
  readonly layerFiles: Readonly<Record<string, readonly string[]>>
  readonly expectPackages: readonly string[]
}

interface ResolverCases {
  readonly cases: readonly ResolverCase[]
  readonly isDeleted: readonly { readonly path: string; readonly whiteout: string; readonly deleted: boolean }[]
}

/** A layer of the given paths; those that end in a slash are folders. */
function layerOf(paths: readonly string[]): LayerRecord {
  const builder = new LayerBuilder([keepText], DEFAULT_LAYER_LIMITS)
  for (const path of paths) {
    const kind = path.endsWith('/') ? 'folder' : 'file'
    builder.entry({ ...plainEntry, kind, path }, new Uint8Array())
  }
  return builder.record(null, paths.length, 0)
}

const plainEntry = {
  target: '',
  size: 0,
  isSparse: false,
  isOverlayWhiteout: false,
  isOverlayOpaque: false,
  isUnreadable: false,
} as const

function pathsOf({ tree }: MergedView): string[] {
  return [...tree.walk()].map(([path, node]) => (node.kind === 'folder' ? `${path}/` : path)).sort()
}

describe.skipIf(!isThere)('whiteouts act like the reference resolver', async () => {
  const rows: OverRow[] = isThere ? (await Bun.file(`${folder}/claircore/expected.json`).json()).layers : []
  for (const row of rows) {
    it(`reads ${row.file} and puts it over an invented layer`, async () => {
      const record = await read(`${folder}/claircore/${row.file}`)
      const hidden = row.whiteouts
        .filter((path) => !path.endsWith('.wh..wh..opq'))
        .map((path) => path.replace('.wh.', ''))
      expect(record.whiteouts).toEqual(hidden)
      expect(record.opaque.map((path) => `${path}/`)).toEqual([...row.opaque])
      for (const { lower, merged } of row.over)
        expect(pathsOf(viewOf([layerOf(lower), record]))).toEqual([...merged].sort())
    })
  }

  const { cases, isDeleted }: ResolverCases = isThere
    ? await Bun.file(`${folder}/claircore/resolver-cases.json`).json()
    : { cases: [], isDeleted: [] }
  for (const row of cases) {
    it(`resolves the case ${row.name}`, () => {
      const records = Array.from({ length: row.layers }, (_, index) => {
        const own = row.packages.filter(({ introducedIn }) => introducedIn.includes(index + 1)).map(({ path }) => path)
        return layerOf([...own, ...(row.layerFiles[index + 1] ?? [])])
      })
      const { tree } = viewOf(records)
      const alive = row.packages.filter(({ path }) => tree.find(path) !== undefined).map(({ id }) => id)
      expect(alive).toEqual([...row.expectPackages])
    })
  }
  for (const { path, whiteout, deleted } of isDeleted) {
    it(`${whiteout} ${deleted ? 'deletes' : 'leaves'} ${path}`, () => {
      const { tree } = viewOf([layerOf([path]), layerOf([whiteout])])
      expect(tree.find(path) === undefined).toBe(deleted)
    })
  }
})
