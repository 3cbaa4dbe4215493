import type { FileEvidence, FoundPackage } from '../layers/file-evidence.ts'
import type { FileTree, TreeNode } from '../layers/file-tree.ts'
import { quotePath } from '../layers/layer-refusal.ts'
import type { MergedFile } from './merged-view.ts'

/** A package out of a distribution's database. */
export interface DatabasePackage {
  readonly found: FoundPackage
  /** The database file, without a slash in front. */
  readonly path: string
  /** The first layer from which on the database has named this version without a break. */
  readonly introducedIn: number
}

const DATABASE_FILES = ['var/lib/dpkg/status', 'lib/apk/db/installed', 'usr/lib/apk/db/installed']
const DATABASE_FOLDERS = ['var/lib/dpkg/status.d']
/** From here down a path to a database belongs to its package manager; above, `/lib` is a link on most systems. */
const MANAGER_FOLDERS = ['var/lib/dpkg', 'lib/apk', 'usr/lib/apk']

/**
 * Follows package databases through the layers. Every layer that installs one package rewrites the whole file, so which
 * layer brought a package is seen only in what the file says more than it did below.
 */
export class DatabaseHistory {
  #present = new Map<string, DatabasePackage>()
  #seen: readonly (FileEvidence | null)[] = []

  /** @param tree  the merged view up to and with the layer */
  observe(tree: FileTree<MergedFile>, layer: number): void {
    const files = databaseFiles(tree)
    const evidence = files.map(([, file]) => file.evidence)
    if (evidence.length === this.#seen.length && evidence.every((one, index) => one === this.#seen[index])) return
    this.#seen = evidence
    const now = new Map<string, DatabasePackage>()
    for (const [path, file] of files) {
      for (const found of file.evidence?.packages ?? []) {
        const key = [path, found.name, found.version, found.architecture ?? ''].join('\0')
        now.set(key, this.#present.get(key) ?? { found, path, introducedIn: layer })
      }
    }
    this.#present = now
  }

  /** What the databases name now. */
  packages(): readonly DatabasePackage[] {
    return [...this.#present.values()]
  }
}

/** The database files that a package manager in the container would open, each once. */
function databaseFiles(tree: FileTree<MergedFile>): [string, MergedFile][] {
  const files = new Map<string, MergedFile>()
  const add = (path: string, node: TreeNode<MergedFile> | undefined) => {
    if (node?.kind === 'leaf' && (node.leaf.evidence?.kind === 'dpkg' || node.leaf.evidence?.kind === 'apk')) {
      files.set(path, node.leaf)
    }
  }
  for (const known of DATABASE_FILES) {
    const path = tree.resolve(known)
    if (path !== null) add(path, tree.find(path))
  }
  for (const known of DATABASE_FOLDERS) {
    const folder = tree.resolve(known)
    const node = folder === null ? undefined : tree.find(folder)
    if (node?.kind !== 'folder') continue
    for (const [name, child] of node.children) add(`${folder}/${name}`, child)
  }
  return [...files]
}

/**
 * Databases that a link moves to where no reader looked: a package manager in the container would find packages there
 * that we know nothing of. Each is a sentence.
 */
export function unreadDatabases(tree: FileTree<MergedFile>): string[] {
  const read = new Set(databaseFiles(tree).map(([path]) => path))
  return DATABASE_FILES.flatMap((known) => {
    const target = tree.resolve(known)
    const isMoved = MANAGER_FOLDERS.some((folder) => known.startsWith(folder) && hasLinkBelow(tree, folder, known))
    if (!isMoved || (target !== null && read.has(target))) return []
    return [`/${known} leads to ${target === null ? 'nowhere' : quotePath(`/${target}`)}, which was not read.`]
  })
}

/** Looks at the folder itself and at every step from it to the file. */
function hasLinkBelow(tree: FileTree<MergedFile>, folder: string, file: string): boolean {
  for (let end = folder.length; end > 0; end = file.indexOf('/', end + 1)) {
    if (tree.find(file.slice(0, end))?.kind === 'link') return true
  }
  return tree.find(file)?.kind === 'link'
}
