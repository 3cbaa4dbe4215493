import packageJson from '../../package.json'
import { startSeawall } from '../../tests/harness/seawall.ts'
import type { Contender, Reader, TaggedManifest } from '../contender.ts'
import { authorization } from '../push-image.ts'

/** One push may carry this many tags (distribution-spec, "Pushing a manifest with multiple tags"). */
const TAGS_PER_PUSH = 10

/** Ours, with its defaults: a database and a folder, one process. */
export const seawall: Contender = {
  name: 'Seawall',
  program: null,
  version: async () => `${packageJson.version} on Bun ${Bun.version}`,
  async start() {
    const server = await startSeawall()
    const account = { url: server.url, user: 'admin', password: server.adminPassword }
    const withToken: Reader = {
      label: 'token',
      headers: () => authorization(account, '/v2/bench/private/manifests/any', 'GET'),
    }
    return {
      pid: server.pid,
      url: server.url,
      account,
      readers: [{ label: 'anonymous', headers: async () => ({}) }, withToken],
      async publish(name) {
        const [repository] = name.split('/')
        const basic = `Basic ${btoa(`${account.user}:${account.password}`)}`
        const changed = await fetch(`${server.url}/api/v1/repositories/${repository}`, {
          method: 'PATCH',
          headers: { authorization: basic, 'content-type': 'application/json' },
          body: JSON.stringify({ visibility: 'public' }),
        })
        if (!changed.ok) throw new Error(`not made public: ${changed.status} ${await changed.text()}`)
      },
      async addTags(name, manifest, tags) {
        for (let at = 0; at < tags.length; at += TAGS_PER_PUSH * 100) {
          const headers = await authorization(account, `/v2/${name}/blobs/uploads/`, 'POST')
          await pushTogether(`${server.url}/v2/${name}`, headers, manifest, tags.slice(at, at + TAGS_PER_PUSH * 100))
        }
      },
      stop: server.stop,
    }
  },
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
