import { join } from 'node:path'
import packageJson from '../../package.json'
import { startSeawall } from '../../tests/harness/seawall.ts'
import type { Contender, Reader, TaggedManifest } from '../contender.ts'
import { authorization } from '../push-image.ts'
import { CatalogFiller } from './catalog-filler.ts'

/** One push may carry this many tags (distribution-spec, "Pushing a manifest with multiple tags"). */
const TAGS_PER_PUSH = 10

/** Ours, with its defaults: a database and a folder, one process. */
export const seawall: Contender = {
  name: 'Seawall',
  program: null,
  version: async () => `${packageJson.version} on Bun ${Bun.version}`,
  async start(folder) {
    const data = join(folder, 'data')
    const server = await startSeawall({ env: { SEAWALL_DATA: data } })
    const account = { url: server.url, user: 'admin', password: server.adminPassword }
    const filler = new CatalogFiller(data)
    const withToken: Reader = {
      label: 'token',
      headers: () => authorization(account, '/v2/bench/private/manifests/any', 'GET'),
    }
    return {
      get pid() {
        return server.pid
      },
      url: server.url,
      account,
      readers: [{ label: 'anonymous', headers: async () => ({}) }, withToken],
      store: {
        publish: (name) => publish(server.url, `${account.user}:${account.password}`, name),
        async addTags(name, manifest, tags) {
          for (let at = 0; at < tags.length; at += TAGS_PER_PUSH * 100) {
            const headers = await authorization(account, `/v2/${name}/blobs/uploads/`, 'POST')
            await pushTogether(`${server.url}/v2/${name}`, headers, manifest, tags.slice(at, at + TAGS_PER_PUSH * 100))
          }
        },
        addImages: (_, image, names, tag) => filler.addImages(image, names, tag),
        addManifests: (name, manifests) => filler.addManifests(name, manifests),
      },
      async restart() {
        await server.kill()
        const started = performance.now()
        await server.restart()
        return (performance.now() - started) / 1_000
      },
      stop: server.stop,
    }
  },
}

async function publish(url: string, credentials: string, name: string): Promise<void> {
  const [repository] = name.split('/')
  const changed = await fetch(`${url}/api/v1/repositories/${repository}`, {
    method: 'PATCH',
    headers: { authorization: `Basic ${btoa(credentials)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ visibility: 'public' }),
  })
  if (!changed.ok) throw new Error(`not made public: ${changed.status} ${await changed.text()}`)
}

async function pushTogether(
  url: string,
  headers: Record<string, string>,
  { mediaType, digest, bytes }: TaggedManifest,
  tags: readonly string[],
): Promise<void> {
  for (let at = 0; at < tags.length; at += TAGS_PER_PUSH) {
    const query = tags.slice(at, at + TAGS_PER_PUSH).map((tag) => `tag=${tag}`)
    const pushed = await fetch(`${url}/manifests/${digest}?${query.join('&')}`, {
      method: 'PUT',
      headers: { ...headers, 'content-type': mediaType },
      body: bytes,
    })
    if (pushed.status !== 201) throw new Error(`push refused with ${pushed.status}: ${await pushed.text()}`)
  }
}
