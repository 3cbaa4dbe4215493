import type { Distribution, PackageType } from '../../core/inventory.ts'
import type { FoundPackage } from '../layers/file-evidence.ts'

/** The parts of a package URL of one of our types. */
export interface PackageUrlParts {
  readonly type: PackageType
  readonly namespace?: string | null
  readonly name: string
  readonly version?: string | null
  readonly qualifiers?: Readonly<Record<string, string>> | null
  readonly subpath?: string | null
}

/** Writes the canonical form (purl-spec, "How to build purl string from its components"). */
export function formatPackageUrl(parts: PackageUrlParts): string {
  const { namespace, name } = normaliseNames(parts)
  const path = [...(namespace === '' ? [] : namespace.split('/')), name].filter((part) => part !== '').map(encode)
  const version = parts.version ? `@${encode(parts.version)}` : ''
  const qualifiers = formatQualifiers(parts.qualifiers ?? {})
  const subpath = (parts.subpath ?? '').split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
  return `pkg:${parts.type}/${path.join('/')}${version}${qualifiers}${subpath.length === 0 ? '' : `#${subpath.map(encode).join('/')}`}`
}

/** The URL of a package that was found, with the qualifiers that scanners commonly write. */
export function packageUrlOf(found: FoundPackage, distribution: Distribution | null): string {
  if (found.type === 'npm') return formatPackageUrl({ type: 'npm', ...splitScope(found.name), version: found.version })
  if (found.type === 'pypi') return formatPackageUrl({ type: 'pypi', name: found.name, version: found.version })
  const qualifiers: Record<string, string> = {}
  if (found.architecture !== undefined) qualifiers.arch = found.architecture
  if (distribution) qualifiers.distro = [distribution.id, distribution.version].filter((text) => text !== '').join('-')
  return formatPackageUrl({
    type: found.type,
    namespace: distribution?.id ?? null,
    name: found.name,
    version: found.version,
    qualifiers,
  })
}

/** Distributions' names are in lower case; PyPI's names are normalised (PEP 503 folds runs of `-`, `_` and `.`). */
function normaliseNames({ type, namespace, name }: PackageUrlParts): { namespace: string; name: string } {
  const given = namespace ?? ''
  if (type === 'pypi') return { namespace: '', name: normalisePythonName(name) }
  if (type === 'npm') return { namespace: given, name }
  return { namespace: given.toLowerCase(), name: name.toLowerCase() }
}

/** The form under which a Python package is known to the index and its advisories (PEP 503). */
export function normalisePythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

function splitScope(name: string): { namespace: string | null; name: string } {
  const slash = name.startsWith('@') ? name.indexOf('/') : -1
  return slash < 0 ? { namespace: null, name } : { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
}

function formatQualifiers(qualifiers: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(qualifiers)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key.toLowerCase()}=${encode(value)}`)
  return pairs.length === 0 ? '' : `?${pairs.sort().join('&')}`
}

/** All but letters, digits, `.-_~` and the colon is percent-encoded (purl-spec, "Character encoding"). */
function encode(text: string): string {
  const wellFormed = text.toWellFormed()
  return encodeURIComponent(wellFormed)
    .replace(/[!'()*]/g, percent)
    .replaceAll('%3A', ':')
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
