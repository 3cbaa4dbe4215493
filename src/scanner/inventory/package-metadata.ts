/**
 * Tells whether a file is the metadata of a language package: the files that packages of a distribution may own, and
 * that decide whether a language package is the distribution's (`ownership.ts`).
 *
 * @param path  in its normal form
 */
export function isPackageMetadata(path: string): boolean {
  return isNpmMetadata(path) || isPythonMetadata(path)
}

/** The `package.json` at the root of an installed npm package, plain or scoped. */
export function isNpmMetadata(path: string): boolean {
  return path.endsWith('/package.json') && /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path)
}

const PYTHON = /\.(?:dist-info\/METADATA|egg-info\/PKG-INFO|egg-info|egg|egg\/EGG-INFO\/PKG-INFO)$/

/** Metadata of wheels and eggs (packaging.python.org, "Core metadata", "Recording installed projects"). */
export function isPythonMetadata(path: string): boolean {
  return PYTHON.test(path)
}

/** A licence or a maintainer is a line for people; nobody needs more than this of it. */
const MAX_TEXT = 300

/** A text of foreign origin cut to a line that can be shown; undefined when it says nothing. */
export function shortText(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const line = (text.split('\n', 1)[0] ?? '').trim()
  return line === '' || line === 'UNKNOWN' ? undefined : line.slice(0, MAX_TEXT)
}

/** Names and versions longer than this are no names and versions. */
const MAX_NAME = 512

/** Tells whether a text can be a package's name or version: not empty, one line, of sane length. */
export function isNameOrVersion(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= MAX_NAME && !/[\p{Cc}\s]/u.test(text)
}
