import type { EvidenceReader, FoundPackage, ReadEvidence } from '../layers/file-evidence.ts'
import { isNameOrVersion, isPythonMetadata, shortText } from './package-metadata.ts'
import { linesOf, parseField } from './paragraphs.ts'
import { readZipEntry } from './zip-entry.ts'

const MiB = 1024 * 1024
const FIELDS = new Set(['name', 'version', 'license', 'license-expression'])

/** Installed Python distributions: wheels, eggs as folders, eggs as archives. */
export const pythonReader: EvidenceReader = {
  kind: 'python',
  maxBytes: 16 * MiB,
  mayBeOwned: true,
  claims: isPythonMetadata,
  read: (content, path) =>
    path.endsWith('.egg') ? readEgg(content) : parsePythonMetadata(new TextDecoder().decode(content)),
}

/** Reads the headers of a METADATA or PKG-INFO file (packaging.python.org, "Core metadata specifications"). */
export function parsePythonMetadata(text: string): ReadEvidence {
  const fields = new Map<string, string>()
  for (const line of linesOf(text)) {
    if (line === '') break // the long description follows
    const field = parseField(line)
    if (field && FIELDS.has(field.key) && !fields.has(field.key)) fields.set(field.key, field.value)
  }
  const name = fields.get('name')
  const version = fields.get('version')
  if (!isNameOrVersion(name) || !isNameOrVersion(version)) {
    return { packages: [], problem: 'names no Python package and version' }
  }
  const licence = shortText(fields.get('license-expression')) ?? shortText(fields.get('license'))
  const found: FoundPackage = {
    type: 'pypi',
    name,
    version,
    source: null,
    ...(licence === undefined ? {} : { licence }),
  }
  return { packages: [found] }
}

/** A zipped egg; one without PKG-INFO, or no archive at all, is something else of that name. */
function readEgg(content: Uint8Array): ReadEvidence | null {
  if (content[0] !== 0x50 || content[1] !== 0x4b) return null
  const entry = readZipEntry(content, 'EGG-INFO/PKG-INFO', MiB)
  if (entry.state === 'absent') return null
  if (entry.state === 'damaged') return { packages: [], problem: 'is not a readable Python egg' }
  return parsePythonMetadata(new TextDecoder().decode(entry.bytes))
}
