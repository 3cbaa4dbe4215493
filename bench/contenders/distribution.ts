import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../tests/harness/free-port.ts'
import { program } from '../../tests/harness/program.ts'
import { runToSuccess } from '../../tests/harness/run-program.ts'
import type { TestImage } from '../../tests/harness/test-image.ts'
import type { Contender } from '../contender.ts'
import { pushTags } from '../push-image.ts'
import { startPeer } from './peer-server.ts'

/** More tags than this are written into its store as it would write them, as pushing them takes too long. */
const MOST_PUSHED_TAGS = 1_000

/** Debian's package of Distribution 2.8. */
export const distribution2: Contender = distribution('Distribution 2.8', 'docker-registry')

/** The registry of the same project's main line. */
export const distribution3: Contender = distribution('Distribution 3', 'registry')

function distribution(name: string, binary: string): Contender {
  return {
    name,
    program: binary,
    version: async () => (await runToSuccess([program(binary), '--version'])).stdout.trim().split(' ').at(-1) ?? '',
    async start(folder) {
      const host = `127.0.0.1:${freePort()}`
      const root = join(folder, 'store')
      const settings = join(folder, 'config.yml')
      await Bun.write(settings, settingsOf(host, root))
      const url = `http://${host}`
      const repositories = join(root, 'docker/registry/v2/repositories')
      return startPeer({
        command: [program(binary), 'serve', settings],
        url,
        logFile: join(folder, 'log'),
        store: (account) => ({
          addTags: (image, manifest, tags) =>
            tags.length > MOST_PUSHED_TAGS
              ? writeTags(join(repositories, image), manifest.digest, tags)
              : pushTags(account, image, manifest, tags),
          addImages: async (_, image, names, tag) => {
            for (const name of names) await writeImage(join(repositories, name), image, tag)
          },
        }),
      })
    },
  }
}

/** Its own advice for speed: descriptors cached in memory, no access log. */
function settingsOf(host: string, root: string): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: root }, cache: { blobdescriptor: 'inmemory' }, delete: { enabled: true } },
    http: { addr: host, relativeurls: true },
  })
}

/** A tag is a folder with two links, one of them in its history. */
async function writeTags(image: string, digest: string, tags: readonly string[]): Promise<void> {
  const history = join('index', ...digest.split(':'))
  for (const tag of tags) {
    const folder = join(image, '_manifests', 'tags', tag)
    await Promise.all([
      mkdir(join(folder, 'current'), { recursive: true }),
      mkdir(join(folder, history), { recursive: true }),
    ])
    await Promise.all(['current', history].map((part) => Bun.write(join(folder, part, 'link'), digest)))
  }
}

/** An image is links to blobs that lie elsewhere. */
async function writeImage(folder: string, { manifest, config, layers }: TestImage, tag: string): Promise<void> {
  const links = [config, ...layers].map(({ digest }) => ({ digest, path: join('_layers', ...digest.split(':')) }))
  links.push({ digest: manifest.digest, path: join('_manifests', 'revisions', ...manifest.digest.split(':')) })
  await Promise.all(links.map(({ digest, path }) => Bun.write(join(folder, path, 'link'), digest)))
  await writeTags(folder, manifest.digest, [tag])
}
