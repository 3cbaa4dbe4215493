import type { Digest } from '../../src/core/digest.ts'
import type { Answer, Ask, RegistryClient } from './registry-client.ts'
import type { Content } from './samples.ts'

/** The manifest types that a client of today says it understands. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

/** One image of one registry, as one client sees it; a method per endpoint of the specification. */
export class ImageClient {
  readonly registry: RegistryClient
  /** The specification's `<name>`. */
  readonly name: string

  constructor(registry: RegistryClient, name: string) {
    this.registry = registry
    this.name = name
  }

  ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return this.registry.ask(method, `/v2/${this.name}/${path}`, ask)
  }

  /** end-2 */
  blob(method: 'GET' | 'HEAD' | 'DELETE', digest: Digest, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(method, `blobs/${digest}`, { headers })
  }

  /** end-3 and end-9 */
  manifest(
    method: 'GET' | 'HEAD' | 'DELETE',
    reference: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.ask(method, `manifests/${reference}`, { headers: { accept: MANIFEST_TYPES.join(', '), ...headers } })
  }

  /** end-7 */
  putManifest(
    reference: string,
    content: Content,
    tags: readonly string[] = [],
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.ask('PUT', `manifests/${reference}`, {
      headers: { 'content-type': content.mediaType, ...headers },
      query: tags.map((tag) => ['tag', tag]),
      body: content.bytes,
    })
  }

  /** end-4 and end-11; without a query, the beginning of an upload */
  postUpload(query: readonly (readonly [string, string])[] = [], body?: Ask['body']): Promise<Answer> {
    const headers = body === undefined ? { 'content-length': '0' } : { 'content-type': 'application/octet-stream' }
    return this.ask('POST', 'blobs/uploads/', { query, headers, body })
  }

  /** end-8 */
  tags(query: readonly (readonly [string, string])[] = []): Promise<Answer> {
    return this.ask('GET', 'tags/list', { query })
  }

  /** end-12 */
  referrers(subject: string, artifactType?: string): Promise<Answer> {
    const query: [string, string][] = artifactType === undefined ? [] : [['artifactType', artifactType]]
    return this.ask('GET', `referrers/${subject}`, { query })
  }
}

/** The address that an answer's `Location` names. */
export function locationOf(answer: Answer): URL {
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`${answer.status} without a Location`)
  return new URL(location, answer.url)
}
