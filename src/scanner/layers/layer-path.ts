/**
 * The one spelling of a path inside an image: no leading or trailing slash, no `.` and no empty parts; the root is ``.
 *
 * @returns null when a part is `..` or the path holds a NUL: no image builder writes such a path, so it is an attack
 */
export function normalisePath(path: string): string | null {
  if (path.includes('\0')) return null
  if (isPlain(path)) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') return null
    if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Most paths are in their normal form already; this is worth a fast look. */
function isPlain(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.endsWith('/') && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(path)
}

/** The last part. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** All but the last part; `` for a path directly below the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
