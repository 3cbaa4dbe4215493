import { type Digest, digestOf } from '../../src/core/digest.ts'
import { type PulledImage, unpacked } from './pulled-image.ts'

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** A registry and somebody whom it knows. */
export interface Account {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** What stands under a name in a registry, every byte of it fetched and hashed. */
export interface HeldImage {
  readonly digest: Digest
  /** One for an image; one per platform for an index. */
  readonly images: readonly PulledImage[]
}

interface ManifestDocument {
  readonly manifests?: readonly { readonly digest: string }[]
  readonly config?: { readonly digest: string }
  readonly layers?: readonly { readonly digest: string }[]
}

/** Fetches as a client does: asks, is challenged, gets a token for what was refused, asks again. */
export async function fetchAs(account: Account, path: string, init: RequestInit = {}): Promise<Response> {
  const url = new URL(path, account.url)
  const first = await fetch(url, init)
  const challenge = first.headers.get('www-authenticate')
  if (first.status !== 401 || challenge === null) return first
  const headers = new Headers(init.headers)
  headers.set('authorization', await answer(account, challenge))
  return fetch(url, { ...init, headers })
}

/** The `Authorization` that a challenge asks for (distribution "token authentication"). */
export async function answer(account: Account, challenge: string): Promise<string> {
  const basic = `Basic ${btoa(`${account.user}:${account.password}`)}`
  if (!/^bearer /i.test(challenge)) return basic
  const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value ?? '']))
  const realm = new URL(parameters.get('realm') ?? '')
  realm.searchParams.set('service', parameters.get('service') ?? '')
  for (const scope of (parameters.get('scope') ?? '').split(' ').filter(Boolean)) {
    realm.searchParams.append('scope', scope)
  }
  const granted = await fetch(realm, { headers: { authorization: basic } })
  const body: unknown = await granted.json()
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : ''
  return `Bearer ${token}`
}

/** Reads a whole image or index; null where the registry says that there is none. */
export async function readFromRegistry(account: Account, name: string, reference: string): Promise<HeldImage | null> {
  const path = `/v2/${name}/manifests/${reference}`
  const answered = await fetchAs(account, path, { headers: { accept: MANIFEST_TYPES } })
  if (answered.status === 404) return null
  const bytes = await checked(answered, path)
  const document: ManifestDocument = JSON.parse(new TextDecoder().decode(bytes))
  const digest = digestOf(bytes)
  if (!document.manifests) return { digest, images: [await readImage(account, name, document)] }
  const children = await Promise.all(document.manifests.map((child) => readFromRegistry(account, name, child.digest)))
  return { digest, images: children.flatMap((child) => child?.images ?? []) }
}

async function readImage(account: Account, name: string, { config, layers }: ManifestDocument): Promise<PulledImage> {
  const blobs = [config, ...(layers ?? [])].map(async (descriptor) => {
    const path = `/v2/${name}/blobs/${descriptor?.digest}`
    const bytes = await checked(await fetchAs(account, path), path)
    if (digestOf(bytes) !== descriptor?.digest) throw new Error(`GET ${path} answered other bytes`)
    return bytes
  })
  const [configBytes, ...layerBytes] = await Promise.all(blobs)
  if (!configBytes) throw new Error('an image without a configuration')
  return { config: digestOf(configBytes), diffIds: layerBytes.map((bytes) => digestOf(unpacked(bytes))) }
}

async function checked(response: Response, path: string): Promise<Uint8Array<ArrayBuffer>> {
  if (response.ok) return new Uint8Array(await response.arrayBuffer())
  throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`)
}
