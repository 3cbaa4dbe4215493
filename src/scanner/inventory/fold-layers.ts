import type { Digest } from '../../core/digest.ts'
import type { Distribution, ImageInventory, InstalledPackage } from '../../core/inventory.ts'
import type { FileEvidence, FoundPackage } from '../layers/file-evidence.ts'
import type { LayerRecord } from '../layers/layer-record.ts'
import { quotePath } from '../layers/layer-refusal.ts'
import { DatabaseHistory, unreadDatabases } from './database-history.ts'
import { findDistribution } from './distribution.ts'
import { type MergedFile, MergedView } from './merged-view.ts'
import { Ownership } from './ownership.ts'
import { packageUrlOf } from './package-url.ts'

/** More reasons than this are summed up. */
const MAX_REASONS = 50

/**
 * Folds the layers of one image, bottom first, into what a container would see, with the layer that brought each
 * package.
 *
 * A layer that could not be read makes the inventory incomplete; the others still count.
 */
export function foldLayers(records: readonly LayerRecord[]): ImageInventory {
  const view = new MergedView()
  const history = new DatabaseHistory()
  for (const [layer, record] of records.entries()) {
    view.apply(record, layer)
    history.observe(view.tree, layer)
  }
  const distribution = findDistribution(view.tree)
  const files = evidenceFiles(view)
  const reasons = [...layerReasons(records), ...unreadDatabases(view.tree), ...fileReasons(files)]
  return {
    distribution,
    packages: packagesOf(records, view, history, files, distribution),
    complete: reasons.length === 0,
    reasons: cut(reasons),
  }
}

function evidenceFiles(view: MergedView): [string, MergedFile, FileEvidence][] {
  const files: [string, MergedFile, FileEvidence][] = []
  for (const [path, node] of view.tree.walk()) {
    if (node.kind === 'leaf' && node.leaf.evidence) files.push([path, node.leaf, node.leaf.evidence])
  }
  return files
}

function packagesOf(
  records: readonly LayerRecord[],
  view: MergedView,
  history: DatabaseHistory,
  files: readonly [string, MergedFile, FileEvidence][],
  distribution: Distribution | null,
): InstalledPackage[] {
  const layerOf = (index: number): Digest | null => records[index]?.diffId ?? null
  const fromDatabases = history.packages()
  const ownership = new Ownership(
    view.tree,
    files.map(([, , evidence]) => evidence),
    fromDatabases,
  )
  const packages = fromDatabases.map(({ found, path, introducedIn }) =>
    toInstalled(found, path, layerOf(introducedIn), distribution),
  )
  for (const [path, file, evidence] of files) {
    if (evidence.kind !== 'npm' && evidence.kind !== 'python') continue
    const owner = ownership.ownerOf(path, file)
    for (const found of evidence.packages) {
      const installed = toInstalled(found, path, layerOf(file.layer), distribution)
      packages.push(owner === undefined ? installed : { ...installed, ownedBy: owner })
    }
  }
  return packages.sort(compare)
}

function toInstalled(
  found: FoundPackage,
  path: string,
  layer: Digest | null,
  distribution: Distribution | null,
): InstalledPackage {
  const { type, name, version, source, architecture, licence, maintainer } = found
  return {
    type,
    name,
    version,
    purl: packageUrlOf(found, distribution),
    source,
    ...(architecture === undefined ? {} : { architecture }),
    ...(licence === undefined ? {} : { licence }),
    ...(maintainer === undefined ? {} : { maintainer }),
    path: `/${path}`,
    layer,
  }
}

/** By code units, not by a language's rules: the same image gives the same list everywhere. */
function compare(a: InstalledPackage, b: InstalledPackage): number {
  for (const key of ['type', 'name', 'version', 'path'] as const) {
    if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1
  }
  return 0
}

function layerReasons(records: readonly LayerRecord[]): string[] {
  return records.flatMap(({ diffId, unreadable, notes }, index) => {
    const name = `Layer ${index + 1} of ${records.length}${diffId === null ? '' : ` (${diffId})`}`
    if (unreadable) return [`${name} could not be read: it ${unreadable.reason}.`]
    return notes.map((note) => `${name}: ${note}`)
  })
}

function fileReasons(files: readonly [string, MergedFile, FileEvidence][]): string[] {
  return files.flatMap(([path, , { problem }]) =>
    problem === undefined ? [] : [`${quotePath(`/${path}`)} ${problem}.`],
  )
}

function cut(reasons: readonly string[]): string[] {
  if (reasons.length <= MAX_REASONS) return [...reasons]
  return [...reasons.slice(0, MAX_REASONS), `There are ${reasons.length - MAX_REASONS} more such reasons.`]
}
