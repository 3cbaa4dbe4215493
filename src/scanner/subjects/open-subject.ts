import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { READERS } from '../inventory/readers.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from '../layers/layer-limits.ts'
import { LayerRefusal } from '../layers/layer-refusal.ts'
import { unpackLayer } from '../layers/unpack-layer.ts'
import { openArchive } from './archive-files.ts'
import { openDockerArchive } from './docker-archive.ts'
import { folderTar } from './folder-tar.ts'
import { type ImageSubject, type SubjectChoice, SubjectError } from './image-subject.ts'
import { openOciLayout } from './oci-layout.ts'
import { folderFiles, type SubjectFiles } from './subject-files.ts'

/**
 * Opens what stands at a path of this machine: a `docker save` archive or an OCI layout (each a tar, plain or packed),
 * an OCI layout as a folder, or a folder that is a root file system.
 *
 * Close it in every case; a packed archive is unpacked, as one file, into the folder for temporary files.
 * @throws SubjectError when it is none of these, or is damaged
 */
export async function openLocalSubject(path: string, choice: SubjectChoice = {}): Promise<ImageSubject> {
  const found = await stat(path).catch(() => null)
  if (!found) throw new SubjectError(`There is no file or folder ${path}.`)
  if (!found.isDirectory()) return openArchiveSubject(path, choice)
  const files = folderFiles(path)
  if (await isOciLayout(files)) return { ...(await openOciLayout(files, path, choice)), close: async () => {} }
  return openFolder(path)
}

async function isOciLayout(files: SubjectFiles): Promise<boolean> {
  return (await files.has('oci-layout')) && (await files.has('index.json'))
}

function openFolder(path: string): ImageSubject {
  const root = resolve(path)
  const layer = { digest: null, diffId: null, createdBy: null, open: async () => folderTar(root, READERS) }
  const name = basename(root) || root
  return { name, digest: null, platform: null, config: null, layers: [layer], close: async () => {} }
}

async function openArchiveSubject(path: string, choice: SubjectChoice): Promise<ImageSubject> {
  const { plain, close } = await toPlainTar(path, DEFAULT_LAYER_LIMITS)
  try {
    const files = await openArchive(plain)
    return { ...(await openImage(files, path, choice)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Newer archives are both: then the layout says more, a manifest's digest and every platform. */
async function openImage(
  files: SubjectFiles,
  path: string,
  choice: SubjectChoice,
): Promise<Omit<ImageSubject, 'close'>> {
  if (await isOciLayout(files)) return openOciLayout(files, path, choice)
  if (await files.has('manifest.json')) return openDockerArchive(files, path, choice)
  throw new SubjectError(
    `${path} is a tar archive, but no image: it holds neither an OCI layout nor the manifest.json of docker save.`,
  )
}

async function toPlainTar(path: string, limits: LayerLimits): Promise<{ plain: string; close: () => Promise<void> }> {
  try {
    const unpacked = await unpackLayer(Bun.file(path).stream())
    if (unpacked.compression === 'none') {
      await unpacked.bytes[Symbol.asyncIterator]().return?.()
      return { plain: path, close: async () => {} }
    }
    const folder = await mkdtemp(join(tmpdir(), 'seawall-archive-'))
    const close = () => rm(folder, { recursive: true, force: true })
    const plain = join(folder, 'archive.tar')
    await spool(unpacked.bytes, plain, limits.maxUnpackedBytes).catch(async (error) => {
      await close()
      throw error
    })
    return { plain, close }
  } catch (error) {
    if (error instanceof LayerRefusal) throw new SubjectError(`${path} ${error.message}.`, { cause: error })
    throw error
  }
}

async function spool(bytes: AsyncIterable<Uint8Array>, path: string, maxBytes: number): Promise<void> {
  const sink = Bun.file(path).writer({ highWaterMark: 4 * 1024 * 1024 })
  let written = 0
  try {
    for await (const chunk of bytes) {
      written += chunk.length
      if (written > maxBytes) throw new LayerRefusal(`unpacks to more than ${maxBytes} bytes`)
      sink.write(chunk)
      await sink.flush()
    }
  } finally {
    await sink.end()
  }
}
