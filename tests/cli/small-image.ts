import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { tarOf } from '../fixtures/tar.ts'
import { type Account, fetchAs } from '../harness/registry-reader.ts'

/** What is in the image, by path: an Alpine with one package, and a Node package on top of it. */
const LAYERS: readonly Readonly<Record<string, string>>[] = [
  {
    'etc/os-release': 'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n',
    'lib/apk/db/installed': 'P:libcrypto3\nV:3.1.0-r0\nA:x86_64\no:openssl\nL:Apache-2.0\n\n',
  },
  { 'srv/app/node_modules/brittle/package.json': '{"name":"brittle","version":"1.2.3","license":"MIT"}' },
]

/** Advisories for both packages; the second feed rates its vulnerability. */
export const FEEDS: Readonly<Record<string, object>> = {
  'secdb.json': {
    distroversion: 'v3.18',
    reponame: 'main',
    urlprefix: 'https://dl-cdn.alpinelinux.org/alpine',
    apkurl: '{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk',
    archs: ['x86_64'],
    packages: [{ pkg: { name: 'openssl', secfixes: { '3.1.1-r0': ['CVE-2023-2650'] } } }],
  },
  'osv/GHSA-1111-2222-3333.json': osv('GHSA-1111-2222-3333', 'brittle', '1.3.0', 'HIGH'),
  'osv/GHSA-4444-5555-6666.json': osv('GHSA-4444-5555-6666', 'another', '2.0.0', 'CRITICAL'),
}

function osv(id: string, name: string, fixed: string, severity: string): object {
  return {
    schema_version: '1.6.0',
    id,
    modified: '2024-05-01T00:00:00Z',
    published: '2024-04-01T00:00:00Z',
    summary: `${name} breaks`,
    affected: [
      { package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed }] }] },
    ],
    database_specific: { severity },
  }
}

/** Writes files below a folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | object>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await Bun.write(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

/** Writes the root file system, as a folder. */
export async function writeRoot(folder: string): Promise<void> {
  for (const files of LAYERS) await writeFiles(folder, files)
}

interface Blob {
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The image with every part of it; `layers` are packed. */
export interface SmallImage {
  readonly manifest: Blob
  readonly config: Blob
  readonly layers: readonly Blob[]
  readonly tars: readonly Uint8Array<ArrayBuffer>[]
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** Makes the image. */
export function smallImage(architecture = 'amd64'): SmallImage {
  const tars = LAYERS.map((files) => tarOf(Object.entries(files).map(([path, content]) => ({ path, content }))))
  const layers = tars.map((tar) => blob(Bun.gzipSync(tar)))
  const config = json({
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    history: [{ created_by: 'ADD alpine.tar.gz /' }, { created_by: 'COPY app /srv/app' }],
  })
  const described = ({ digest, bytes }: Blob, mediaType: string) => ({ mediaType, digest, size: bytes.length })
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: described(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => described(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
  })
  return { manifest, config, layers, tars }
}

/** Writes what `docker save` writes. */
export async function writeArchive(file: string, { config, tars }: SmallImage, name: string): Promise<void> {
  const Layers = tars.map((_, at) => `layer-${at}.tar`)
  const entries = tars.map((content, at) => ({ path: `layer-${at}.tar`, content }))
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers }])
  await Bun.write(
    file,
    tarOf([...entries, { path: 'config.json', content: config.bytes }, { path: 'manifest.json', content: manifest }]),
  )
}

/** Pushes it as a client does. @param name  `<repository>/<image>` */
export async function pushImage(account: Account, name: string, tag: string, image: SmallImage): Promise<void> {
  for (const { digest, bytes } of [image.config, ...image.layers]) {
    const path = `/v2/${name}/blobs/uploads/?digest=${digest}`
    await mustSucceed(fetchAs(account, path, { method: 'POST', body: bytes }))
  }
  const headers = { 'content-type': MANIFEST_TYPE }
  const put = { method: 'PUT', headers, body: image.manifest.bytes }
  await mustSucceed(fetchAs(account, `/v2/${name}/manifests/${tag}`, put))
}

async function mustSucceed(answer: Promise<Response>): Promise<void> {
  const { ok, status, url } = await answer
  if (!ok) throw new Error(`${url} answers ${status}: ${await (await answer).text()}`)
}

function json(value: unknown): Blob {
  return blob(new TextEncoder().encode(JSON.stringify(value)))
}

function blob(bytes: Uint8Array<ArrayBuffer>): Blob {
  return { digest: digestOf(bytes), bytes }
}
