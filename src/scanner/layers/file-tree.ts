/** A folder of the tree; `isExplicit` when an entry of its own named it, not only the path of a child. */
export interface FolderNode<Leaf> {
  readonly kind: 'folder'
  isExplicit: boolean
  readonly children: Map<string, TreeNode<Leaf>>
}

/** A symbolic link with its target as written. */
export interface LinkNode {
  readonly kind: 'link'
  readonly target: string
}

/** A file of whatever type, with what the owner of the tree wants to know of it. */
export interface LeafNode<Leaf> {
  readonly kind: 'leaf'
  readonly leaf: Leaf
}

export type TreeNode<Leaf> = FolderNode<Leaf> | LinkNode | LeafNode<Leaf>

/** The kernel gives up after 40 links in one path (path_resolution(7)); so do we, and a loop ends. */
const MAX_LINKS = 40
/** Links of long targets, each leading through the next, would make one path cost a hundred thousand steps. */
const MAX_PARTS = 256

/**
 * A root file system in memory, changed as a container runtime changes the real one: paths are followed through links
 * but never out of the root, and the last entry for a path wins.
 */
export class FileTree<Leaf> {
  readonly root: FolderNode<Leaf> = newFolder(true)

  /**
   * Puts a node at a path in its normal form, making the folders above it.
   *
   * A folder over a folder merges; everything else replaces what is there with all below it.
   * @returns false when the path leads through a loop of links, so that no runtime could put it either
   */
  put(path: string, node: TreeNode<Leaf>): boolean {
    const [folder, name] = this.#openParent(path, true)
    if (!folder) return false
    const present = folder.children.get(name)
    if (present?.kind === 'folder' && node.kind === 'folder') present.isExplicit ||= node.isExplicit
    else folder.children.set(name, node)
    return true
  }

  /** Takes away what is at a path, with all below it; a link itself, never what it points at. */
  remove(path: string): void {
    const [folder, name] = this.#openParent(path, false)
    folder?.children.delete(name)
  }

  /**
   * Takes away what a folder has under some names, as if files had been put there that nobody wants to know of.
   *
   * Makes no folder; where the way to it leads through a leaf, that leaf goes, as it would for a folder.
   */
  removeFrom(folder: string, names: readonly string[]): void {
    const [node] = this.#openParent(folder === '' ? 'x' : `${folder}/x`, false)
    for (const name of node ? names : []) node?.children.delete(name)
    if (!node) this.clearWay(folder)
  }

  /** Takes away the first leaf that stands where a path needs a folder, the path itself included. */
  clearWay(path: string): void {
    this.#walk(path.split('/'), 'clear')
  }

  /** Empties a folder, if there is one at the path itself. */
  empty(path: string): void {
    const node = path === '' ? this.root : this.find(path)
    if (node?.kind === 'folder') node.children.clear()
  }

  /** What is at a path, links in the folders above it followed, a link at its end not. */
  find(path: string): TreeNode<Leaf> | undefined {
    if (path === '') return this.root
    const [folder, name] = this.#openParent(path, false)
    return folder?.children.get(name)
  }

  /**
   * The path without links that this one leads to, the last part followed too; where it leads to nothing the path that
   * would have to be there. Null for a loop, or for links that lead on and on.
   */
  resolve(path: string): string | null {
    return this.#walk(path.split('/'), 'look')?.path ?? null
  }

  /** Where a leaf's entry really lies: links above it followed, the last part as it is. */
  canonical(path: string): string | null {
    const slash = path.lastIndexOf('/')
    if (slash < 0) return path
    const parent = this.resolve(path.slice(0, slash))
    return parent === null ? null : join(parent, path.slice(slash + 1))
  }

  /** Every node below the root with its path, folders before what is in them. */
  *walk(): Generator<[path: string, node: TreeNode<Leaf>]> {
    const open: [string, Iterator<[string, TreeNode<Leaf>]>][] = [['', this.root.children.entries()]]
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const next = top[1].next()
      if (next.done) {
        open.pop()
        continue
      }
      const path = join(top[0], next.value[0])
      yield [path, next.value[1]]
      if (next.value[1].kind === 'folder') open.push([path, next.value[1].children.entries()])
    }
  }

  /** The folder that holds a path's last part, and that part; no folder when there is none and none is to be made. */
  #openParent(path: string, make: boolean): [FolderNode<Leaf>, string] | [null, null] {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (slash < 0) return [this.root, name]
    const direct = this.#descend(path, slash, make)
    if (direct !== 'link') return direct ? [direct, name] : [null, null]
    const found = this.#walk(path.slice(0, slash).split('/'), make ? 'make' : 'look')
    return found?.folder ? [found.folder, name] : [null, null]
  }

  /** The usual case, without links and without lists of parts. */
  #descend(path: string, end: number, make: boolean): FolderNode<Leaf> | 'link' | null {
    let folder = this.root
    for (let start = 0; start < end; ) {
      const slash = path.indexOf('/', start)
      const name = path.slice(start, slash)
      const child = folder.children.get(name)
      if (child?.kind === 'link') return 'link'
      if (child?.kind !== 'folder' && !make) return null
      folder = child?.kind === 'folder' ? child : addFolder(folder, name)
      start = slash + 1
    }
    return folder
  }

  /**
   * Follows every part; null for a loop, or for links that lead on and on.
   *
   * @param mode  what to do where a folder is wanted and there is none: nothing, make one, or take the leaf away that is
   *              there and stop
   */
  #walk(parts: readonly string[], mode: 'look' | 'make' | 'clear'): Trail<Leaf> | null {
    const ahead = parts.filter(isName).reverse()
    const trail = new Trail(this.root)
    let links = 0
    let partsLeft = MAX_PARTS + parts.length
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (partsLeft-- === 0) return null
      const child = trail.folder?.children.get(name)
      if (name === '..') trail.back()
      else if (child?.kind === 'link') {
        if (++links > MAX_LINKS) return null
        if (child.target.startsWith('/')) trail.restart()
        for (const part of child.target.split('/').filter(isName).reverse()) ahead.push(part)
      } else if (child?.kind === 'leaf' && mode === 'clear') {
        trail.folder?.children.delete(name)
        return null
      } else trail.step(name, child, mode === 'make')
    }
    return trail
  }
}

/** The way from the root to a folder, links already followed. */
class Trail<Leaf> {
  readonly #root: FolderNode<Leaf>
  #steps: { readonly name: string; readonly folder: FolderNode<Leaf> | null }[] = []

  constructor(root: FolderNode<Leaf>) {
    this.#root = root
  }

  get path(): string {
    return this.#steps.map((step) => step.name).join('/')
  }

  /** Where it ends; null when that is no folder. */
  get folder(): FolderNode<Leaf> | null {
    const last = this.#steps.at(-1)
    return last ? last.folder : this.#root
  }

  step(name: string, child: TreeNode<Leaf> | undefined, make: boolean): void {
    const parent = this.folder
    const made = make && parent && child?.kind !== 'folder' ? addFolder(parent, name) : null
    this.#steps.push({ name, folder: child?.kind === 'folder' ? child : made })
  }

  /** `..` of the root is the root: a link cannot climb out of the image. */
  back(): void {
    this.#steps.pop()
  }

  restart(): void {
    this.#steps = []
  }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.'
}

/** A folder with nothing in it yet. */
export function newFolder<Leaf>(isExplicit: boolean): FolderNode<Leaf> {
  return { kind: 'folder', isExplicit, children: new Map() }
}

function addFolder<Leaf>(parent: FolderNode<Leaf>, name: string): FolderNode<Leaf> {
  const folder = newFolder<Leaf>(false)
  parent.children.set(name, folder)
  return folder
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}
