import { z } from 'zod'
import { type ImageBody, ImageShape } from '../src/api/image.ts'
import { pageShape } from '../src/api/page.ts'
import { RepositoryShape } from '../src/api/repository.ts'
import { clientFor } from './api-client.ts'
import { connect } from './connect.ts'
import { placeImage } from './image-reference.ts'
import { printFields, printJson, printLine, printNote, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'

/** The options of `show`. */
export interface ImageOptions extends ServerOptions {
  readonly platform?: string
}

const ImagePageShape = pageShape(z.object({ name: z.string() }), 'ImagePage')

/** `seawall image list` */
export async function listImages(repository: string | undefined, options: ServerOptions): Promise<void> {
  const client = await connect(options)
  const repositories = client.list('/repositories', pageShape(RepositoryShape, 'RepositoryPage'))
  const names = repository === undefined ? await Array.fromAsync(repositories, ({ name }) => name) : [repository]
  const items: { name: string }[] = []
  for (const name of names) {
    const path = `/repositories/${encodeURIComponent(name)}/images`
    // The API names them inside their repository.
    for await (const item of client.list(path, ImagePageShape)) items.push({ name: `${name}/${item.name}` })
  }
  if (options.json) {
    printJson({ items })
    return
  }
  if (items.length === 0) printNote('There is no image that you may see.')
  for (const { name } of items) printLine(name)
}

/** `seawall image show` */
export async function showImage(text: string, options: ImageOptions): Promise<void> {
  const { server, reference } = await placeImage(text, options.server, process.env)
  const image = await clientFor(server).get('/image', ImageShape, { reference, platform: options.platform })
  if (options.json) {
    printJson(image)
    return
  }
  printAbout(image)
  printLayers(image)
  printPackages(image)
  printFindings(image)
  printLine('')
  printLine(`A pull: ${image.verdict.decision}`)
  for (const reason of image.verdict.reasons) printLine(`  ${reason}`)
}

function printAbout(image: ImageBody): void {
  const { distribution, scan, size, manifests } = image
  printFields([
    ['name', image.name],
    ['digest', image.digest],
    ['tags', image.tags.join(', ')],
    ['platform', image.platform ?? 'unknown'],
    ...(manifests.length > 0
      ? [['index of', manifests.map(({ platform }) => platform ?? '?').join(', ')] as const]
      : []),
    ['size', size === null ? 'unknown' : `${(size / 1024 / 1024).toFixed(1)} MiB`],
    ['distribution', distribution ? `${distribution.id} ${distribution.version}` : 'unknown'],
    ['scan', `${scan.status}${scan.matchedAt ? `, ${scan.matchedAt}` : ''}${scan.complete ? '' : ', not complete'}`],
  ])
  for (const reason of scan.reasons) printLine(`  not known: ${reason}`)
}

function printLayers({ layers }: ImageBody): void {
  if (layers.length === 0) return
  const rows = layers.map(({ digest, size, createdBy }, at) => [
    String(at + 1),
    (digest ?? '').slice(0, 19),
    size === null ? '' : String(size),
    oneLine(createdBy ?? ''),
  ])
  printLine('')
  printTable(['LAYER', 'DIGEST', 'BYTES', 'BUILD STEP'], rows)
}

function printPackages(image: ImageBody): void {
  if (image.packages.length === 0) return
  const layerOf = layerNumbers(image)
  const rows = image.packages.map(({ type, name, version, layer }) => [type, name, version, layerOf(layer)])
  printLine('')
  printTable(['TYPE', 'PACKAGE', 'VERSION', 'LAYER'], rows)
}

function printFindings(image: ImageBody): void {
  printLine('')
  if (image.findings.length === 0) {
    const isSure = image.scan.status === 'done' && image.scan.complete
    printLine(isSure ? 'No known vulnerabilities.' : 'No findings, but this does not mean that there are none.')
    return
  }
  const layerOf = layerNumbers(image)
  const rows = image.findings.map((finding) => [
    finding.severity,
    finding.id,
    finding.package,
    finding.version,
    finding.fixedVersion ?? `(${finding.fixState})`,
    layerOf(finding.layer),
  ])
  printTable(['SEVERITY', 'VULNERABILITY', 'PACKAGE', 'INSTALLED', 'FIXED IN', 'LAYER'], rows)
}

function layerNumbers({ layers }: ImageBody): (layer: string | null) => string {
  return (layer) => {
    const at = layer === null ? -1 : layers.findIndex(({ diffId }) => diffId === layer)
    return at < 0 ? '' : String(at + 1)
  }
}

/** A build step may be a whole script. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`
}
