import { type FileHandle, open } from 'node:fs/promises'
import { FileTree } from '../layers/file-tree.ts'
import { DEFAULT_LAYER_LIMITS } from '../layers/layer-limits.ts'
import { normalisePath } from '../layers/layer-path.ts'
import { LayerRefusal } from '../layers/layer-refusal.ts'
import type { TarEntry } from '../layers/tar-entry.ts'
import { TarWalker } from '../layers/tar-walker.ts'
import { SubjectError } from './image-subject.ts'
import type { SubjectFiles } from './subject-files.ts'

/** Where a file of the archive lies in it. */
interface Place {
  readonly offset: number
  readonly size: number
}

/** An image archive has a few hundred entries; one with more than this is something else. */
const LIMITS = { ...DEFAULT_LAYER_LIMITS, maxEntries: 100_000 }
const READ_BYTES = 64 * 1024

/**
 * Lists the files of a plain tar on disk without reading their content, and without writing any of them anywhere.
 *
 * @throws SubjectError when it is no tar or is damaged
 */
export async function openArchive(path: string): Promise<SubjectFiles> {
  const tree = new FileTree<Place>()
  const handle = await open(path, 'r')
  try {
    await walk(handle, tree)
  } catch (error) {
    if (error instanceof LayerRefusal) throw new SubjectError(`${path} ${error.message}.`, { cause: error })
    throw error
  } finally {
    await handle.close()
  }
  const find = (name: string): Place | null => {
    const normal = normalisePath(name)
    const resolved = normal === null ? null : tree.resolve(normal)
    const node = resolved === null ? undefined : tree.find(resolved)
    return node?.kind === 'leaf' ? node.leaf : null
  }
  return {
    has: async (name) => find(name) !== null,
    open: async (name) => {
      const place = find(name)
      if (!place) return null
      return {
        size: place.size,
        source: Bun.file(path)
          .slice(place.offset, place.offset + place.size)
          .stream(),
      }
    },
  }
}

async function walk(handle: FileHandle, tree: FileTree<Place>): Promise<void> {
  const walker = new TarWalker(
    { wantsContent: () => false, entry: (entry, _, offset) => add(tree, entry, offset) },
    LIMITS,
  )
  const { size } = await handle.stat()
  const buffer = new Uint8Array(READ_BYTES)
  let position = 0
  while (position < size) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position)
    if (bytesRead === 0) break
    walker.write(buffer.subarray(0, bytesRead))
    position += bytesRead
    const skipped = Math.min(walker.skippable, size - position)
    if (skipped > 0) walker.skip(skipped)
    position += skipped
  }
  walker.end()
}

function add(tree: FileTree<Place>, entry: TarEntry, offset: number): void {
  const path = normalisePath(entry.path)
  if (path === null || path === '') return
  if (entry.kind === 'file' && !entry.isSparse) tree.put(path, { kind: 'leaf', leaf: { offset, size: entry.size } })
  else if (entry.kind === 'link') tree.put(path, { kind: 'link', target: entry.target })
  else if (entry.kind === 'hard-link') {
    const target = tree.find(normalisePath(entry.target) ?? '')
    if (target?.kind === 'leaf') tree.put(path, target)
  }
}
