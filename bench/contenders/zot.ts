import { link, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../tests/harness/free-port.ts'
import { program } from '../../tests/harness/program.ts'
import { run } from '../../tests/harness/run-program.ts'
import type { TestImage } from '../../tests/harness/test-image.ts'
import type { Contender, TaggedManifest } from '../contender.ts'
import { pushTags } from '../push-image.ts'
import { startPeer } from './peer-server.ts'

/** More tags than this are written into its store as it would write them: every push rewrites the list of all. */
const MOST_PUSHED_TAGS = 1_000

/** zot with its defaults and a quiet log. */
export const zot: Contender = {
  name: 'zot',
  program: 'zot',
  async version() {
    const { stdout, stderr } = await run([program('zot'), '--version'])
    const said = `${stdout}${stderr}`
    const word = (name: string) => new RegExp(`"${name}":"([^"]+)"`).exec(said)?.[1]
    return word('release-tag') || word('commit') || `(${word('binary-type')} build)`
  },
  async start(folder) {
    const port = freePort()
    const root = join(folder, 'store')
    const settings = join(folder, 'config.json')
    await Bun.write(
      settings,
      JSON.stringify({
        distSpecVersion: '1.1.1',
        storage: { rootDirectory: root },
        http: { address: '127.0.0.1', port: String(port) },
        log: { level: 'error' },
      }),
    )
    const url = `http://127.0.0.1:${port}`
    return startPeer({
      command: [program('zot'), 'serve', settings],
      url,
      logFile: join(folder, 'log'),
      store: (account) => ({
        addTags: (image, manifest, tags) =>
          tags.length > MOST_PUSHED_TAGS
            ? writeTags(join(root, image, 'index.json'), manifest, tags)
            : pushTags(account, image, manifest, tags),
        addImages: async (from, image, names, tag) => {
          for (const name of names) await writeImage(join(root, from), join(root, name), image, tag)
        },
      }),
    })
  },
}

interface LayoutIndex {
  readonly manifests: readonly unknown[]
}

/** Its store is an OCI layout: a tag is an entry of the image's `index.json`. */
async function writeTags(file: string, manifest: TaggedManifest, tags: readonly string[]): Promise<void> {
  const index: LayoutIndex = await Bun.file(file).json()
  const entries = tags.map((tag) => entryOf(manifest, tag))
  await Bun.write(file, JSON.stringify({ ...index, manifests: [...index.manifests, ...entries] }))
}

function entryOf({ mediaType, digest, bytes }: TaggedManifest, tag: string) {
  return { mediaType, digest, size: bytes.length, annotations: { 'org.opencontainers.image.ref.name': tag } }
}

/** Equal blobs of its images are one file with several names. */
async function writeImage(from: string, to: string, image: TestImage, tag: string): Promise<void> {
  await mkdir(join(to, 'blobs', 'sha256'), { recursive: true })
  for (const { digest } of [image.manifest, image.config, ...image.layers]) {
    const path = join('blobs', ...digest.split(':'))
    await link(join(from, path), join(to, path))
  }
  await Bun.write(join(to, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await Bun.write(
    join(to, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [entryOf(image.manifest, tag)] }),
  )
}
