import { basename } from 'node:path'
import { digestOf } from '../../core/digest.ts'
import { buildSteps } from './build-steps.ts'
import { choosePlatform } from './choose-platform.ts'
import { type DockerManifest, formatPlatform, parseDockerManifest, parseImageConfig } from './image-documents.ts'
import { type ImageSubject, type SubjectChoice, SubjectError, type SubjectLayer } from './image-subject.ts'
import { readDocument, type SubjectFiles } from './subject-files.ts'

/** Opens what `docker save` writes, in the layout before Docker 25 or any later one (moby, "Docker Image Specification v1.2"). */
export async function openDockerArchive(
  files: SubjectFiles,
  path: string,
  choice: SubjectChoice,
): Promise<Omit<ImageSubject, 'close'>> {
  const images = parseDockerManifest(await readDocument(files, 'manifest.json'), `manifest.json of ${path}`)
  const image = chooseImage(images, path, choice.image)
  const bytes = await readDocument(files, image.Config)
  const config = parseImageConfig(bytes, `configuration in ${path}`)
  const { platform } = choosePlatform([{ platform: formatPlatform(config) }], path, choice.platform)
  return {
    name: image.RepoTags?.[0] ?? basename(path),
    digest: digestOf(bytes),
    platform,
    config,
    layers: layersOf(files, image.Layers ?? [], config, path),
  }
}

function layersOf(
  files: SubjectFiles,
  paths: readonly string[],
  config: ReturnType<typeof parseImageConfig>,
  archive: string,
): SubjectLayer[] {
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== paths.length) {
    throw new SubjectError(`${archive} has ${paths.length} layers, but its configuration lists ${diffIds.length}.`)
  }
  const steps = buildSteps(config, paths.length)
  return paths.map((path, index) => ({
    digest: null,
    diffId: diffIds[index] ?? null,
    createdBy: steps[index] ?? null,
    open: async () => {
      const file = await files.open(path)
      if (!file) throw new SubjectError(`the layer ${path} is not in ${archive}`)
      return file.source
    },
  }))
}

function chooseImage(images: DockerManifest, path: string, wanted: string | undefined): DockerManifest[number] {
  const tags = images.flatMap((image) => image.RepoTags ?? [])
  const matching = wanted === undefined ? images : images.filter((image) => image.RepoTags?.includes(wanted))
  const [first, second] = matching
  if (!first) {
    const held = tags.length === 0 ? 'no named image' : `only ${tags.join(', ')}`
    throw new SubjectError(wanted === undefined ? `${path} holds no image.` : `${path} holds ${held}, not ${wanted}.`)
  }
  if (second && second.Config !== first.Config) {
    throw new SubjectError(`${path} holds several images; name one of them: ${tags.join(', ')}.`)
  }
  return first
}
