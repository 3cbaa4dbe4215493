import type { EvidenceReader, FoundPackage, ReadEvidence } from '../layers/file-evidence.ts'
import { isNameOrVersion, isNpmMetadata, shortText } from './package-metadata.ts'

/** Installed npm packages: a folder each below a `node_modules`. What a lock file declares is not thereby installed. */
export const npmReader: EvidenceReader = {
  kind: 'npm',
  maxBytes: 16 * 1024 * 1024,
  mayBeOwned: true,
  claims: isNpmMetadata,
  read: (content) => parsePackageJson(new TextDecoder().decode(content)),
}

/** Reads a `package.json` (npm docs, "package.json"); null when it describes no npm package. */
export function parsePackageJson(text: string): ReadEvidence | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { packages: [], problem: 'is not valid JSON' }
  }
  if (!isRecord(json) || isForeign(json)) return null
  const { name, version } = json
  if (!isNameOrVersion(name) || !isNameOrVersion(version)) return null
  const licence = licenceOf(json)
  const found: FoundPackage = {
    type: 'npm',
    name,
    version,
    source: null,
    ...(licence === undefined ? {} : { licence }),
  }
  return { packages: [found] }
}

/** Unity and Visual Studio Code use the file's name and form for packages that do not come from npm. */
function isForeign(json: Readonly<Record<string, unknown>>): boolean {
  if (typeof json.unity === 'string') return true
  if (isRecord(json.engines) && 'vscode' in json.engines) return true
  return isRecord(json.contributes) && !('main' in json) && !('exports' in json)
}

/** A text, an object with a `type`, or a list of either in old packages. */
function licenceOf(json: Readonly<Record<string, unknown>>): string | undefined {
  const stated = Array.isArray(json.licenses) ? json.licenses : [json.license]
  const names = stated.map((licence) => shortText(isRecord(licence) ? licence.type : licence))
  return shortText(names.filter((name) => name !== undefined).join(' OR '))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
