import type { Digest } from '../../core/digest.ts'
import type { EvidenceReader, FileEvidence } from './file-evidence.ts'
import { FileTree, type FolderNode, newFolder, type TreeNode } from './file-tree.ts'
import type { LayerLimits } from './layer-limits.ts'
import { baseName, normalisePath, parentPath } from './layer-path.ts'
import type { LayerRecord } from './layer-record.ts'
import { LayerRefusal, quotePath } from './layer-refusal.ts'
import type { TarEntry } from './tar-entry.ts'
import type { TarListener } from './tar-walker.ts'
import { ANALYSER_VERSION } from './unreadable-layer.ts'

/** What the builder keeps of a file: nothing, what it says, or for a hard link where its content is. */
type BuiltFile = { readonly evidence?: FileEvidence; readonly hardLinkTo?: string }

const PLAIN_FILE = { kind: 'leaf', leaf: {} } as const
/** A file that was read and says nothing; only its identity tells it from a plain one. */
const SILENT_FILE = { kind: 'leaf', leaf: {} } as const

/** Largest file without meaning of its own that is read for a hard link's sake. */
const MAX_LINKED_BYTES = 16 * 1024 * 1024

const NOT_ALLOWED = 'its path is not allowed'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** More notes than this help nobody. */
const MAX_NOTES = 20

/** Makes a layer's record from its entries, in the order of the tar (image-spec 1.1, "Layer Changesets"). */
export class LayerBuilder implements TarListener {
  readonly #readers: readonly EvidenceReader[]
  readonly #limits: LayerLimits
  readonly #alsoRead: ReadonlySet<string>
  readonly #tree = new FileTree<BuiltFile>()
  readonly #whiteouts = new Set<string>()
  readonly #opaque = new Set<string>()
  readonly #notes: string[] = []
  readonly #kept = new Map<string, Uint8Array>()
  readonly #missed = new Set<string>()
  #evidenceBytes = 0

  /** @param alsoRead  paths of files without meaning of their own that hard links need the content of; see `missed` */
  constructor(readers: readonly EvidenceReader[], limits: LayerLimits, alsoRead: ReadonlySet<string> = new Set()) {
    this.#readers = readers
    this.#limits = limits
    this.#alsoRead = alsoRead
  }

  /** Files whose content has passed by unread and turned out to be needed; reading once more with them helps. */
  get missed(): readonly string[] {
    return [...this.#missed]
  }

  wantsContent(entry: TarEntry): boolean {
    const path = normalisePath(entry.path)
    if (path === null || entry.isUnreadable) return false
    const reader = this.#readerOf(path)
    if (!reader && !this.#alsoRead.has(path)) return false
    if (entry.size > (reader?.maxBytes ?? MAX_LINKED_BYTES)) return false
    this.#evidenceBytes += entry.size
    if (this.#evidenceBytes > this.#limits.maxEvidenceBytes) {
      throw new LayerRefusal(`holds more than ${this.#limits.maxEvidenceBytes} bytes of package metadata`, {
        lasting: false,
      })
    }
    return true
  }

  entry(entry: TarEntry, content: Uint8Array | null): void {
    const path = normalisePath(entry.path)
    if (path === null) this.#leaveOut(entry.path, NOT_ALLOWED)
    else if (path === '') this.#addRoot(entry)
    else this.#addPath(path, entry, content)
  }

  record(diffId: Digest | null, entries: number, unpackedBytes: number): LayerRecord {
    const folders: LayerRecord['folders'] = []
    const links: LayerRecord['links'] = []
    const hardLinks: LayerRecord['hardLinks'] = []
    const evidence: FileEvidence[] = []
    if (this.#plainFiles(this.#tree.root) !== '') {
      folders.push({ path: '', isExplicit: true, files: this.#plainFiles(this.#tree.root) })
    }
    for (const [path, node] of this.#tree.walk()) {
      if (node.kind === 'link') links.push([path, node.target])
      else if (node.kind === 'folder') {
        const files = this.#plainFiles(node)
        if (node.isExplicit || files !== '') folders.push({ path, isExplicit: node.isExplicit, files })
      } else if (node.leaf.evidence) evidence.push({ ...node.leaf.evidence, path })
      else if (node.leaf.hardLinkTo !== undefined) hardLinks.push([path, node.leaf.hardLinkTo])
    }
    return {
      analyser: ANALYSER_VERSION,
      diffId,
      unreadable: null,
      entries,
      unpackedBytes,
      whiteouts: [...this.#whiteouts],
      opaque: [...this.#opaque],
      folders,
      links,
      hardLinks,
      evidence,
      notes: this.#notes,
    }
  }

  #readerOf(path: string): EvidenceReader | undefined {
    return this.#readers.find((reader) => reader.claims(path))
  }

  #plainFiles(folder: FolderNode<BuiltFile>): string {
    const names: string[] = []
    for (const [name, node] of folder.children) {
      if (node.kind === 'leaf' && !node.leaf.evidence && node.leaf.hardLinkTo === undefined) names.push(name)
    }
    return names.join('/')
  }

  #addRoot(entry: TarEntry): void {
    if (entry.isUnreadable) this.#note('The root folder could not be read.')
    if (entry.kind !== 'folder') this.#leaveOut(entry.path, 'it would replace the root folder')
    else if (entry.isOverlayOpaque) this.#opaque.add('')
  }

  #addPath(path: string, entry: TarEntry, content: Uint8Array | null): void {
    if (entry.isUnreadable) this.#note(`${quotePath(`/${path}`)} could not be read.`)
    if (entry.isOverlayOpaque) this.#opaque.add(path)
    const name = baseName(path)
    if (name === OPAQUE) this.#opaque.add(parentPath(path))
    else if (name.startsWith(WHITEOUT)) this.#addWhiteout(path, name)
    else if (entry.isOverlayWhiteout) this.#whiteouts.add(path)
    else this.#addNode(path, this.#nodeOf(path, entry, content))
  }

  /** `.wh..wh.` begins what aufs keeps for itself; `.wh.`, `.wh..` and `.wh...` name no file and are a trap. */
  #addWhiteout(path: string, name: string): void {
    const hidden = name.slice(WHITEOUT.length)
    if (hidden.startsWith(WHITEOUT)) return
    if (hidden === '' || hidden === '.' || hidden === '..') this.#leaveOut(path, NOT_ALLOWED)
    else this.#whiteouts.add(path.slice(0, path.length - name.length) + hidden)
  }

  /** A null node has been left out already. */
  #addNode(path: string, node: TreeNode<BuiltFile> | null): void {
    if (node && !this.#tree.put(path, node)) this.#leaveOut(path, 'links lead in a circle')
  }

  #nodeOf(path: string, entry: TarEntry, content: Uint8Array | null): TreeNode<BuiltFile> | null {
    switch (entry.kind) {
      case 'folder':
        return newFolder(true)
      case 'link':
        return { kind: 'link', target: entry.target }
      case 'hard-link':
        return this.#hardLink(path, entry.target)
      case 'file':
        return this.#file(path, entry, content)
      case 'device':
        return PLAIN_FILE
      case 'other':
        this.#leaveOut(path, 'its type is not known')
        return null
    }
  }

  #file(path: string, entry: TarEntry, content: Uint8Array | null): TreeNode<BuiltFile> {
    if (content && this.#alsoRead.has(path)) this.#kept.set(path, content)
    const reader = this.#readerOf(path)
    if (!reader || entry.isUnreadable) return PLAIN_FILE
    if (reader.maxBytes === 0) return this.#evidence(reader, path, new Uint8Array())
    if (content) return this.#evidence(reader, path, content)
    return unread(reader, path, entry.isSparse ? 'is a sparse file' : `is larger than ${reader.maxBytes} bytes`)
  }

  #evidence(reader: EvidenceReader, path: string, content: Uint8Array): TreeNode<BuiltFile> {
    const read = reader.read(content, path)
    if (!read) return SILENT_FILE
    const hashes = reader.mayBeOwned ? { hashes: hashesOf(content) } : {}
    return { kind: 'leaf', leaf: { evidence: { path, kind: reader.kind, ...read, ...hashes } } }
  }

  /** A hard link is its target's file under another name; the content of only those that a reader claims matters. */
  #hardLink(path: string, target: string): TreeNode<BuiltFile> | null {
    const goal = normalisePath(target)
    if (goal === null) {
      this.#leaveOut(path, 'the target of its hard link is not allowed')
      return null
    }
    const node = this.#tree.find(goal)
    if (node?.kind === 'link') return node
    const reader = this.#readerOf(path)
    if (!reader || node?.kind === 'folder') return PLAIN_FILE
    if (!node) return { kind: 'leaf', leaf: { hardLinkTo: goal } }
    if (node !== PLAIN_FILE) return node
    const kept = this.#kept.get(goal)
    if (kept) return this.#evidence(reader, path, kept)
    this.#missed.add(goal)
    return unread(reader, path, `is a hard link to ${quotePath(`/${goal}`)}`)
  }

  #leaveOut(path: string, why: string): void {
    this.#note(`An entry was left out because ${why}: ${quotePath(path)}.`)
  }

  #note(sentence: string): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(sentence)
    else if (this.#notes.length === MAX_NOTES) this.#notes.push('There are more of these than are listed.')
  }
}

function unread(reader: EvidenceReader, path: string, why: string): TreeNode<BuiltFile> {
  const problem = `${why} and was not read`
  return { kind: 'leaf', leaf: { evidence: { path, kind: reader.kind, packages: [], problem } } }
}

function hashesOf(content: Uint8Array): string[] {
  const algorithms = ['md5', 'sha1'] as const // what dpkg and apk keep of the files they installed
  return algorithms.map((name) => `${name}:${new Bun.CryptoHasher(name).update(content).digest('hex')}`)
}
