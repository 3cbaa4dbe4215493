import { parseLocalPath } from './database-address.ts'
import { suggestion } from './suggestion.ts'

/** A bucket of an S3-compatible object store. */
export interface BucketAddress {
  readonly kind: 's3'
  readonly bucket: string
  /** `https://host:port`; null means Amazon's own, by region. */
  readonly endpoint: string | null
  readonly region: string
  /** Stands before every key: empty, or ends with a slash. */
  readonly prefix: string
  /** Whether clients are sent to the store for blobs; they must then be able to reach `endpoint`. */
  readonly redirect: boolean
  /** Whether the bucket stands in the path instead of the host name; true by default with an endpoint of one's own. */
  readonly pathStyle: boolean
}

/** Where the bytes lie. */
export type StoreAddress = { readonly kind: 'disk'; readonly path: string } | BucketAddress

const PARAMETERS = ['endpoint', 'region', 'prefix', 'redirect', 'pathStyle'] as const
/** Amazon S3, "General purpose bucket naming rules"; other stores are no wider. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const PREFIX = /^[A-Za-z0-9!_.*'()-]+(?:\/[A-Za-z0-9!_.*'()-]+)*$/

/**
 * Reads `disk:<path>` or `s3://bucket?endpoint=...&region=...&prefix=...&redirect=true`.
 *
 * @throws Error with a sentence for people
 */
export function parseStoreAddress(text: string): StoreAddress {
  if (text.startsWith('disk:')) return { kind: 'disk', path: parseLocalPath(text, 'disk:') }
  if (!text.startsWith('s3://')) throw new Error('must be disk:<path> or s3://bucket?endpoint=...&region=...')
  const [place = '', query = ''] = splitOnce(text.slice('s3://'.length), '?')
  if (place.includes('@')) {
    throw new Error('must not hold keys: they belong in SEAWALL_S3_ACCESS_KEY and SEAWALL_S3_SECRET_KEY')
  }
  const [bucket = '', path = ''] = splitOnce(place, '/')
  if (!BUCKET.test(bucket)) throw new Error('names no bucket: 3 to 63 lower-case letters, digits, dots and hyphens')
  if (path !== '') throw new Error(`has a path; to put a folder before every key write ?prefix=${path}`)
  return { kind: 's3', bucket, ...parseParameters(query) }
}

function parseParameters(query: string): Omit<BucketAddress, 'kind' | 'bucket'> {
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!PARAMETERS.some((known) => known === name)) {
      throw new Error(`has an unknown parameter "${name}"${suggestion(name, PARAMETERS)}`)
    }
    if (parameters.getAll(name).length > 1) throw new Error(`has the parameter "${name}" twice`)
  }
  const endpoint = parseEndpoint(parameters.get('endpoint'))
  return {
    endpoint,
    region: parseRegion(parameters.get('region')),
    prefix: parsePrefix(parameters.get('prefix')),
    redirect: parseFlag('redirect', parameters.get('redirect')) ?? false,
    pathStyle: parseFlag('pathStyle', parameters.get('pathStyle')) ?? endpoint !== null,
  }
}

function parseEndpoint(text: string | null): string | null {
  if (text === null) return null
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error('its endpoint must be http:// or https://')
  if (url.username !== '' || url.password !== '') throw new Error('its endpoint must not hold keys')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Error('its endpoint must be a host and a port without a path')
  }
  return url.origin
}

function parseRegion(text: string | null): string {
  const region = text ?? 'us-east-1'
  if (!/^[a-z0-9-]{1,64}$/.test(region)) throw new Error('its region must be a name such as eu-central-1')
  return region
}

function parsePrefix(text: string | null): string {
  const prefix = (text ?? '').replace(/\/$/, '')
  if (prefix === '') return ''
  if (!PREFIX.test(prefix) || prefix.split('/').some((part) => part === '.' || part === '..')) {
    throw new Error('its prefix must be a plain path such as registries/seawall')
  }
  return `${prefix}/`
}

function parseFlag(name: string, text: string | null): boolean | undefined {
  if (text === null) return undefined
  if (text !== 'true' && text !== 'false') throw new Error(`its ${name} must be true or false`)
  return text === 'true'
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
