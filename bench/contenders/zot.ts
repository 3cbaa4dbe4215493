import { join } from 'node:path'
import { answersHttp, startProgram } from '../../tests/harness/background-program.ts'
import { freePort } from '../../tests/harness/free-port.ts'
import { program } from '../../tests/harness/program.ts'
import { run } from '../../tests/harness/run-program.ts'
import type { Contender, TaggedManifest } from '../contender.ts'
import { pushTags } from '../push-image.ts'

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
    const server = await startProgram([program('zot'), 'serve', settings], {
      logFile: join(folder, 'log'),
      isReady: () => answersHttp(`${url}/v2/`),
    })
    const account = { url, user: '', password: '' }
    return {
      pid: server.pid,
      url,
      account,
      readers: [{ label: 'anonymous', headers: async () => ({}) }],
      addTags: (image, manifest, tags) =>
        tags.length > MOST_PUSHED_TAGS
          ? writeTags(join(root, image, 'index.json'), manifest, tags)
          : pushTags(account, image, manifest, tags),
      stop: server.stop,
    }
  },
}

interface LayoutIndex {
  readonly manifests: readonly unknown[]
}

/** Its store is an OCI layout: a tag is an entry of the image's `index.json`. */
async function writeTags(file: string, manifest: TaggedManifest, tags: readonly string[]): Promise<void> {
  const index: LayoutIndex = await Bun.file(file).json()
  const { mediaType, digest, bytes } = manifest
  const entries = tags.map((tag) => ({
    mediaType,
    digest,
    size: bytes.length,
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }))
  await Bun.write(file, JSON.stringify({ ...index, manifests: [...index.manifests, ...entries] }))
}
