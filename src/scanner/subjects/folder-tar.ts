import { constants, type Dirent } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvidenceReader } from '../layers/file-evidence.ts'
import { TAR_END, type TarFile, tarEntry } from './tar-writer.ts'

/** The kernel's own file systems hold nothing that was installed, and files without end. */
const KERNEL_FOLDERS = new Set(['proc', 'sys', 'dev'])

/** Written at once, as a block of a few hundred bytes is too little for a pipe. */
const BATCH_BYTES = 256 * 1024

/**
 * A folder as the tar that a layer of it would be, so that folders and layers are read by one and the same code.
 *
 * It holds the files that a reader claims, and the links that lead to them; all else says nothing in a layer that lies
 * over no other. Links are never followed. What cannot be opened is marked so and makes the inventory incomplete.
 */
export function folderTar(folder: string, readers: readonly EvidenceReader[]): ReadableStream<Uint8Array> {
  const batches = batched(entries(folder, readers))
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await batches.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => {
      await batches.return(undefined)
    },
  })
}

async function* batched(files: AsyncIterable<TarFile>): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = []
  let bytes = 0
  for await (const file of files) {
    const entry = tarEntry(file)
    batch.push(entry)
    bytes += entry.length
    if (bytes < BATCH_BYTES) continue
    yield Buffer.concat(batch)
    batch = []
    bytes = 0
  }
  yield Buffer.concat([...batch, TAR_END])
}

/** Depth first, so that no more than one path's folders wait at a time. */
async function* entries(root: string, readers: readonly EvidenceReader[]): AsyncGenerator<TarFile> {
  const pending = ['']
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const children = await listFolder(join(root, path))
    if (children === null) yield { type: 'folder', path: `./${path}`, isUnreadable: true }
    for (const child of children ?? []) {
      const childPath = path === '' ? child.name : `${path}/${child.name}`
      if (!child.isDirectory()) yield* leafEntries(root, childPath, child, readers)
      else if (root !== '/' || !KERNEL_FOLDERS.has(childPath)) pending.push(childPath)
    }
  }
}

/** Sockets, pipes and devices are not written: nothing is installed in them. */
async function* leafEntries(
  root: string,
  path: string,
  child: Dirent,
  readers: readonly EvidenceReader[],
): AsyncGenerator<TarFile> {
  if (child.isSymbolicLink()) yield await linkEntry(root, path)
  else if (child.isFile()) {
    const reader = readers.find((one) => one.claims(path))
    if (reader) yield await fileEntry(root, path, reader)
  }
}

async function listFolder(path: string): Promise<Dirent[] | null> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch {
    return null
  }
}

async function linkEntry(root: string, path: string): Promise<TarFile> {
  try {
    return { type: 'link', path, target: await readlink(join(root, path)) }
  } catch {
    return { type: 'file', path, isUnreadable: true }
  }
}

async function fileEntry(root: string, path: string, reader: EvidenceReader): Promise<TarFile> {
  if (reader.maxBytes === 0) return { type: 'file', path }
  const content = await readFile(join(root, path), reader.maxBytes)
  return content ? { type: 'file', path, content } : { type: 'file', path, isUnreadable: true }
}

/** A file may become a link or grow between the listing and the reading: neither is followed. */
async function readFile(path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const { size } = await handle.stat()
      if (size > maxBytes) return null
      const bytes = new Uint8Array(size)
      const { bytesRead } = await handle.read(bytes, 0, size, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch {
    return null
  }
}
