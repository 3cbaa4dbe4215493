import type { EvidenceReader, FoundPackage, ReadEvidence } from '../layers/file-evidence.ts'
import { isNameOrVersion, shortText } from './package-metadata.ts'
import { type Paragraph, parseParagraphs } from './paragraphs.ts'

const FIELDS = new Set(['package', 'status', 'version', 'architecture', 'source', 'maintainer', 'feature', 'abi'])

const MiB = 1024 * 1024

/** The database of installed Debian packages, whole or (in images without dpkg) a file per package. */
export const dpkgReader: EvidenceReader = {
  kind: 'dpkg',
  maxBytes: 64 * MiB,
  mayBeOwned: false,
  claims: (path) => path === 'var/lib/dpkg/status' || isStatusPart(path),
  read: (content, path) => parseDpkgStatus(new TextDecoder().decode(content), { isPart: isStatusPart(path) }),
}

function isStatusPart(path: string): boolean {
  return path.startsWith('var/lib/dpkg/status.d/') && !path.endsWith('.md5sums') && path.split('/').length === 5
}

/**
 * Reads a dpkg status file (dpkg(1), "Package states").
 *
 * @param isPart  a file of `status.d`, where a missing `Status` means installed
 */
export function parseDpkgStatus(text: string, { isPart }: { readonly isPart: boolean }): ReadEvidence {
  const packages: FoundPackage[] = []
  let paragraphs = 0
  for (const paragraph of parseParagraphs(text, FIELDS)) {
    if (paragraph.has('package')) paragraphs++
    if (!isInstalled(paragraph.get('status'), isPart) || isVcpkg(paragraph)) continue
    const found = toPackage(paragraph)
    if (found) packages.push(found)
  }
  if (paragraphs === 0 && text.trim() !== '') return { packages, problem: 'is not a dpkg status file' }
  return { packages }
}

/** The third word is the state; the first is only what the administrator wants. Trigger states are installed too. */
function isInstalled(status: string | undefined, isPart: boolean): boolean {
  if (status === undefined) return isPart
  const state = status.split(/\s+/)[2]
  return state === 'installed' || state === 'triggers-awaited' || state === 'triggers-pending'
}

/** The C++ package manager vcpkg writes the same syntax, with triplets such as `x64-windows` for architectures. */
function isVcpkg(paragraph: Paragraph): boolean {
  if (paragraph.has('feature') || paragraph.has('abi')) return true
  return /^(?:x64|x86|arm|arm64|wasm32)-/.test(paragraph.get('architecture') ?? '')
}

function toPackage(paragraph: Paragraph): FoundPackage | null {
  const name = paragraph.get('package')
  const version = paragraph.get('version')
  if (!isNameOrVersion(name) || !isNameOrVersion(version)) return null
  const architecture = paragraph.get('architecture')
  const maintainer = shortText(paragraph.get('maintainer'))
  return {
    type: 'deb',
    name,
    version,
    source: parseSource(paragraph.get('source'), name, version),
    ...(isNameOrVersion(architecture) ? { architecture } : {}),
    ...(maintainer === undefined ? {} : { maintainer }),
  }
}

/** `Source: name (version)`; what is not said is the same as in the binary package (deb-control(5)). */
function parseSource(field: string | undefined, name: string, version: string): { name: string; version: string } {
  const match = /^(\S+)(?:\s*\(\s*([^\s)]+)\s*\))?/.exec(field ?? '')
  return { name: match?.[1] ?? name, version: match?.[2] ?? version }
}
