import { join } from 'node:path'
import type { LayerSource } from '../sandbox/analyse-layer.ts'
import { MAX_DOCUMENT_BYTES } from './image-documents.ts'
import { SubjectError } from './image-subject.ts'

/** The files of an archive or of a folder, by their path in it. */
export interface SubjectFiles {
  has(path: string): Promise<boolean>
  /** Null when there is no such file. */
  open(path: string): Promise<{ readonly size: number; readonly source: LayerSource } | null>
}

/** The files of a folder; paths come from digests, never from what a document says. */
export function folderFiles(folder: string): SubjectFiles {
  return {
    has: (path) => Bun.file(join(folder, path)).exists(),
    open: async (path) => {
      const file = Bun.file(join(folder, path))
      return (await file.exists()) ? { size: file.size, source: { path: join(folder, path) } } : null
    },
  }
}

/** @throws SubjectError when it is not there or is too large to be a document */
export async function readDocument(files: SubjectFiles, path: string): Promise<Uint8Array> {
  const file = await files.open(path)
  if (!file) throw new SubjectError(`The file ${path} is missing.`)
  if (file.size > MAX_DOCUMENT_BYTES) {
    throw new SubjectError(
      `The file ${path} has ${file.size} bytes, more than the ${MAX_DOCUMENT_BYTES} that are read.`,
    )
  }
  const { source } = file
  return source instanceof ReadableStream ? new Response(source).bytes() : Bun.file(source.path).bytes()
}
