import type { EvidenceReader } from '../layers/file-evidence.ts'
import { linesOf } from './paragraphs.ts'

/** Where each file that names the distribution stands; the first that is there counts (os-release(5)). */
export const OS_RELEASE_PATHS = ['etc/os-release', 'usr/lib/os-release'] as const

/** Files of one line, or few, that refine `os-release` or stand in for it. */
export const RELEASE_TEXT_PATHS = ['etc/debian_version', 'etc/alpine-release', 'etc/apk/repositories'] as const

const KEPT = ['ID', 'VERSION_ID', 'VERSION_CODENAME', 'PRETTY_NAME'] as const
const MAX_TEXT = 8192

/** What tells which distribution an image is. */
export const distributionReader: EvidenceReader = {
  kind: 'distribution',
  maxBytes: 1024 * 1024,
  mayBeOwned: false,
  claims: (path) => isOsRelease(path) || RELEASE_TEXT_PATHS.some((known) => known === path),
  read: (content, path) => {
    const text = new TextDecoder().decode(content)
    return { packages: [], fields: isOsRelease(path) ? keptFields(text) : { text: text.trim().slice(0, MAX_TEXT) } }
  },
}

function isOsRelease(path: string): boolean {
  return OS_RELEASE_PATHS.some((known) => known === path)
}

function keptFields(text: string): Record<string, string> {
  const fields = parseOsRelease(text)
  return Object.fromEntries(
    KEPT.flatMap((key) => (fields.has(key) ? [[key, fields.get(key)?.slice(0, 300) ?? '']] : [])),
  )
}

/** Reads `KEY=value` lines with the shell's quoting, without the shell (os-release(5)); the last of a key counts. */
export function parseOsRelease(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of linesOf(text)) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line)
    if (match?.[1] !== undefined && match[2] !== undefined) fields.set(match[1], unquote(match[2].trim()))
  }
  return fields
}

function unquote(value: string): string {
  const quote = value[0]
  if (quote === "'") return value.replace(/^'([^']*)'?.*$/, '$1')
  if (quote === '"') return (/^"((?:[^"\\]|\\.)*)/.exec(value)?.[1] ?? '').replace(/\\([\\"$`])/g, '$1')
  return value.replace(/\\(.)/g, '$1')
}
