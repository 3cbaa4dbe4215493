import type { Actor } from '../../core/actor.ts'
import { RegistryError } from '../../core/errors.ts'
import { isImageName, parseImageName } from '../../core/names.ts'
import type { Registry } from '../../repositories/registry.ts'
import { deleteBlob, getBlob } from './blobs.ts'
import type { ImageCall, OciCall, OciLimits } from './call.ts'
import { deleteManifest, getManifest, putManifest } from './manifests.ts'
import { getReferrers } from './referrers.ts'
import { errorResponse, json } from './responses.ts'
import { getCatalog, getTags } from './tags.ts'
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts'

type Handler = (call: ImageCall) => Promise<Response>
type Methods = Readonly<Record<string, Handler>>

/** The resources of the distribution specification; each is a file beside this one. */
const RESOURCES = {
  manifest: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: getBlob, HEAD: getBlob, DELETE: deleteBlob },
  uploads: { POST: postUpload },
  upload: { GET: getUpload, PATCH: patchUpload, PUT: putUpload, DELETE: deleteUpload },
  tags: { GET: getTags, HEAD: getTags },
  referrers: { GET: getReferrers, HEAD: getReferrers },
} as const satisfies Record<string, Methods>

/** What a path names. */
export interface OciRoute {
  readonly resource: keyof typeof RESOURCES
  readonly name: string
  readonly last: string
}

/** One request below `/v2`, with who asks. */
export interface OciRequest {
  readonly request: Request
  /** The path, not decoded, from `/v2` on. */
  readonly path: string
  readonly query: string
  readonly actor: Actor
}

/** Answers requests below `/v2` (distribution-spec 1.1, "Endpoints"). */
export class OciRouter {
  readonly #registry: Registry
  readonly #limits: OciLimits

  constructor(registry: Registry, limits: OciLimits) {
    this.#registry = registry
    this.#limits = limits
  }

  /** @param challenge  words the `WWW-Authenticate` of a 401 for what would have been needed */
  async handle(asked: OciRequest, challenge: (scope: string | null) => string): Promise<Response> {
    try {
      return await this.#dispatch(asked)
    } catch (error) {
      // Faults of ours are logged with their causes by the server's own barrier, which words them the same way.
      if (!(error instanceof RegistryError) || error.status >= 500) throw error
      if (error.code !== 'UNAUTHORIZED') return errorResponse(error, { ...rangeHeaders(error), ...allowHeaders(error) })
      return errorResponse(error, { 'www-authenticate': challenge(scopesOf(asked, error)) })
    }
  }

  #dispatch({ request, path, query, actor }: OciRequest): Promise<Response> {
    const parameters = new URLSearchParams(query)
    const call: OciCall = { request, query: parameters, actor, registry: this.#registry, limits: this.#limits }
    if (path === '/v2/' || path === '/v2') return reading(request, () => getBase(call))
    if (path === '/v2/_catalog') return reading(request, () => getCatalog(call))
    if (path === '/v2/_oci/ext/discover') return reading(request, discoverExtensions)
    const route = parseRoute(path)
    const methods: Methods = RESOURCES[route.resource]
    const handler = methods[request.method]
    if (!handler) throw new RegistryError('UNSUPPORTED', { method: request.method, allowed: Object.keys(methods) })
    return handler({ ...call, name: parseImageName(route.name), last: route.last })
  }
}

/**
 * Reads a path from its right end: names have slashes, and may contain the words `blobs`, `manifests` and `tags`.
 *
 * @throws RegistryError `NAME_INVALID` an encoded slash or a bad escape, `NOT_FOUND` nothing of ours
 */
export function parseRoute(path: string): OciRoute {
  const parts = path.slice('/v2/'.length).split('/').map(decode)
  const last = parts.at(-1) ?? ''
  const before = parts.at(-2)
  const nameTo = (end: number): string => parts.slice(0, end).join('/')
  if (before === 'blobs' && last === 'uploads') return { resource: 'uploads', name: nameTo(-2), last: '' }
  if (before === 'uploads' && parts.at(-3) === 'blobs') {
    return { resource: last === '' ? 'uploads' : 'upload', name: nameTo(-3), last }
  }
  if (before === 'tags' && last === 'list') return { resource: 'tags', name: nameTo(-2), last }
  if (before === 'manifests') return { resource: 'manifest', name: nameTo(-2), last }
  if (before === 'blobs') return { resource: 'blob', name: nameTo(-2), last }
  if (before === 'referrers') return { resource: 'referrers', name: nameTo(-2), last }
  throw new RegistryError('NOT_FOUND', { path: path.slice(0, 300) })
}

function decode(part: string): string {
  if (!part.includes('%')) return part
  try {
    const decoded = decodeURIComponent(part)
    if (!decoded.includes('/')) return decoded
  } catch {
    // said below
  }
  throw new RegistryError('NAME_INVALID', { part: part.slice(0, 100) })
}

/** `GET /v2/` (distribution-spec 1.1, end-1). A stranger is always asked, else clients push without their credentials. */
async function getBase({ actor }: OciCall): Promise<Response> {
  if (actor.kind === 'anonymous' && !actor.tokenAccess) throw new RegistryError('UNAUTHORIZED')
  return json(200, {})
}

/** No extensions yet (distribution-spec 1.1, extensions/_oci.md). */
async function discoverExtensions(): Promise<Response> {
  return json(200, { extensions: [] })
}

/** What can be read can also be asked for by HEAD (RFC 9110, 9.1). */
function reading(request: Request, handler: () => Promise<Response>): Promise<Response> {
  if (request.method === 'GET' || request.method === 'HEAD') return handler()
  throw new RegistryError('UNSUPPORTED', { method: request.method, allowed: ['GET', 'HEAD'] })
}

/** What a token would have to speak of: the package of the path, and the source of a mount that is asked for or found. */
function scopesOf(asked: OciRequest, error: RegistryError): string | null {
  const scopes = new Set([scopeOf(asked), ...namedSource(asked), ...sourcesOf(error)])
  return [...scopes].filter((scope) => scope !== null).join(' ') || null
}

/** The scope of the path (distribution "token authentication", actions by method). */
export function scopeOf({ path, request }: Pick<OciRequest, 'path' | 'request'>): string | null {
  if (path === '/v2/_catalog') return 'registry:catalog:*'
  try {
    const { name, resource } = parseRoute(path)
    return isImageName(name) ? `repository:${name}:${actionsOf(resource, request.method)}` : null
  } catch {
    return null
  }
}

function actionsOf(resource: OciRoute['resource'], method: string): string {
  if (resource === 'uploads' || resource === 'upload') return 'pull,push'
  if (method === 'GET' || method === 'HEAD') return 'pull'
  return method === 'DELETE' ? 'delete' : 'pull,push'
}

/** Said at the first refusal already, so that one token will do. */
function namedSource({ query }: OciRequest): string[] {
  const from = new URLSearchParams(query).get('from')
  return from !== null && isImageName(from) ? [`repository:${from}:pull`] : []
}

function sourcesOf({ detail }: RegistryError): string[] {
  if (!Array.isArray(detail)) return []
  return detail.filter(({ action }) => action === 'pull').map(({ name }) => `repository:${name}:pull`)
}

/** A 416 tells the size (RFC 9110, 15.5.17). */
function rangeHeaders(error: RegistryError): Record<string, string> {
  const { detail } = error
  const hasSize = error.code === 'RANGE_INVALID' && typeof detail === 'object' && detail !== null && 'size' in detail
  return hasSize ? { 'content-range': `bytes */${detail.size}` } : {}
}

/** A 405 tells what may be done instead (RFC 9110, 15.5.6). */
function allowHeaders(error: RegistryError): Record<string, string> {
  const { detail } = error
  const hasAllowed =
    error.code === 'UNSUPPORTED' && typeof detail === 'object' && detail !== null && 'allowed' in detail
  return hasAllowed && Array.isArray(detail.allowed) ? { allow: detail.allowed.join(', ') } : {}
}
