import type { FileEvidence } from '../layers/file-evidence.ts'
import { FileTree, newFolder } from '../layers/file-tree.ts'
import type { LayerRecord } from '../layers/layer-record.ts'

/** A file of the merged view: which layer's entry won, counted from 0 at the bottom, and what it says. */
export interface MergedFile {
  readonly layer: number
  readonly evidence: FileEvidence | null
}

/** What is to be kept of files that say nothing: in an image with a million of them, they would fill the memory. */
export interface MergedViewOptions {
  readonly keepsPlainFiles: boolean
}

/**
 * What a container would see: layers put one upon the other, bottom first (image-spec 1.1, "Layer Changesets").
 *
 * Whiteouts and opaque folders act on lower layers only, so they come first, whatever their place in the tar; then the
 * layer's own entries: named folders, links, files, as each may lie below the one before.
 */
export class MergedView {
  readonly tree = new FileTree<MergedFile>()
  readonly #keepsPlainFiles: boolean

  constructor(options: MergedViewOptions = { keepsPlainFiles: false }) {
    this.#keepsPlainFiles = options.keepsPlainFiles
  }

  apply(record: LayerRecord, layer: number): void {
    for (const path of record.whiteouts) this.tree.remove(path)
    for (const path of record.opaque) this.tree.empty(path)
    for (const { path, isExplicit } of record.folders) if (isExplicit && path !== '') this.#applyFolder(path)
    for (const [path, target] of record.links) this.tree.put(path, { kind: 'link', target })
    for (const { path, files } of record.folders) this.#applyFiles(path, files, layer)
    for (const [path, target] of record.hardLinks) this.#applyHardLink(path, target, layer)
    for (const evidence of record.evidence) this.#applyFile(evidence.path, { layer, evidence })
  }

  /** Where there is nothing yet, a folder matters only once something is in it. */
  #applyFolder(path: string): void {
    if (this.#keepsPlainFiles || this.tree.find(path)) this.tree.put(path, newFolder(true))
    else this.tree.clearWay(path)
  }

  #applyFiles(folder: string, files: string, layer: number): void {
    if (files === '') return
    const names = files.split('/')
    // Whatever was there, with all below it, is replaced by files that say nothing.
    if (!this.#keepsPlainFiles) this.tree.removeFrom(folder, names)
    else
      for (const name of names) this.#applyFile(folder === '' ? name : `${folder}/${name}`, { layer, evidence: null })
  }

  #applyHardLink(path: string, target: string, layer: number): void {
    const node = this.tree.find(target)
    if (node?.kind === 'leaf' && node.leaf.evidence) this.#applyFile(path, { layer, evidence: node.leaf.evidence })
    else this.#applyFile(path, { layer, evidence: unresolved(path, target) })
  }

  #applyFile(path: string, file: MergedFile): void {
    this.tree.put(path, { kind: 'leaf', leaf: file })
  }
}

/** A hard link into a lower layer leads to a file that was not read; no tool that makes layers writes one. */
function unresolved(path: string, target: string): FileEvidence {
  return { path, kind: 'unsupported', packages: [], problem: `is a hard link to /${target}, which was not read` }
}
