import type { Digest } from '../../core/digest.ts'
import type { RegistryError } from '../../core/errors.ts'

/** Distribution's proxy client looks for it, so it is on every answer under `/v2`. */
export const API_VERSION = { 'docker-distribution-api-version': 'registry/2.0' } as const

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...API_VERSION, 'content-type': 'application/json', ...headers },
  })
}

export function empty(status: number, headers: Record<string, string>): Response {
  return new Response(null, { status, headers: { ...API_VERSION, ...headers } })
}

/** 201 with where it is now (distribution-spec 1.1: a Location is relative, so that no proxy can break it). */
export function created(location: string, digest: Digest, headers: Record<string, string> = {}): Response {
  return empty(201, { location, 'docker-content-digest': digest, ...headers })
}

/** The error form of distribution-spec 1.1, "Error Codes". */
export function errorResponse(error: RegistryError, headers: Record<string, string> = {}): Response {
  const entry = {
    code: wireCode(error),
    message: error.message,
    ...(error.detail !== undefined && { detail: error.detail }),
  }
  const retry = error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }
  return json(error.status, { errors: [entry] }, { ...retry, ...headers })
}

/** Codes of ours that a client would not know are told as the nearest that it does. */
function wireCode(error: RegistryError): string {
  switch (error.code) {
    case 'MANIFEST_TOO_LARGE':
      return 'MANIFEST_INVALID'
    case 'BLOB_TOO_LARGE':
      return 'SIZE_INVALID'
    case 'POLICY_BLOCKED':
    case 'QUOTA_EXCEEDED':
    case 'TAG_IMMUTABLE':
      return 'DENIED'
    default:
      return error.code
  }
}

/** Total length of warnings in one answer (distribution-spec 1.1, "Warnings"). */
const MOST_WARNING_BYTES = 4096

/** Tells people things without failing them: `Warning: 299 - "text"`, in ASCII. */
export function warningHeaders(warnings: readonly string[] | undefined): Record<string, string> {
  if (!warnings || warnings.length === 0) return {}
  let header = ''
  for (const text of warnings) {
    // Whole warnings only: one that is cut could end inside its quotes. The first always fits.
    const longer = `${header}${header === '' ? '' : ', '}299 - "${asciiQuoted(text)}"`
    if (longer.length > MOST_WARNING_BYTES) break
    header = longer
  }
  return { warning: header }
}

function asciiQuoted(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[\\"]/g, "'")
    .slice(0, MOST_WARNING_BYTES - 10)
}

/** Whether a conditional GET may be answered with 304 (RFC 9110, 13.1.2). */
export function isUnchanged(request: Request, digest: Digest): boolean {
  const header = request.headers.get('if-none-match')
  if (header === null) return false
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${digest}"`)
}

/** A `Link` to the next page (RFC 8288; distribution-spec 1.1, "Listing Tags"). */
export function nextLink(path: string, query: Record<string, string>): Record<string, string> {
  return { link: `<${path}?${new URLSearchParams(query)}>; rel="next"` }
}
