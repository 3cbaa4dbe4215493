import { type Account, answer, fetchAs } from '../tests/harness/registry-reader.ts'
import type { Content, TestImage } from '../tests/harness/test-image.ts'
import type { TaggedManifest } from './contender.ts'

/** Pushes over HTTP, as every client does: blobs in two requests each, then the manifest. */
export async function pushImage(account: Account, name: string, image: TestImage, tag: string): Promise<void> {
  for (const blob of [image.config, ...image.layers]) await pushBlob(account, name, blob)
  await pushTag(account, name, image.manifest, tag)
}

async function pushBlob(account: Account, name: string, { digest, bytes }: Content): Promise<void> {
  const location = await startUpload(account, name, await authorization(account, `/v2/${name}/blobs/uploads/`, 'POST'))
  location.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  await expectCreated(await fetchAs(account, location.href, { method: 'PUT', body: bytes, headers }))
}

/** Begins an upload; answers where its bytes go. @param headers  the authorization */
export async function startUpload(account: Account, name: string, headers: Record<string, string>): Promise<URL> {
  const begun = await fetch(new URL(`/v2/${name}/blobs/uploads/`, account.url), { method: 'POST', headers })
  const location = begun.headers.get('location')
  if (begun.status !== 202 || location === null) throw new Error(`upload refused with ${begun.status}`)
  return new URL(location, account.url)
}

async function pushTag(account: Account, name: string, manifest: TaggedManifest, tag: string): Promise<void> {
  const headers = { 'content-type': manifest.mediaType }
  const path = `/v2/${name}/manifests/${tag}`
  await expectCreated(await fetchAs(account, path, { method: 'PUT', body: manifest.bytes, headers }))
}

/** Pushes the same manifest under many tags, a few requests at a time. */
export async function pushTags(account: Account, name: string, manifest: TaggedManifest, tags: readonly string[]) {
  const waiting = [...tags]
  const push = async () => {
    for (let tag = waiting.pop(); tag !== undefined; tag = waiting.pop()) await pushTag(account, name, manifest, tag)
  }
  await Promise.all(Array.from({ length: 4 }, push))
}

/** The `Authorization` header for a path, or none where the server asks for none. */
export async function authorization(account: Account, path: string, method: string): Promise<Record<string, string>> {
  const asked = await fetch(new URL(path, account.url), { method })
  const challenge = asked.headers.get('www-authenticate')
  return asked.status === 401 && challenge !== null ? { authorization: await answer(account, challenge) } : {}
}

async function expectCreated(response: Response): Promise<void> {
  if (response.status !== 201) throw new Error(`push refused with ${response.status}: ${await response.text()}`)
}
