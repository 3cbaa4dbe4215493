import { RegistryError } from './errors.ts'
import { MAX_NAME_LENGTH } from './names.ts'
import { matchesWildcard } from './wildcard.ts'

/** A checked pattern over the path of an image inside its repository. Only `parseGlob` makes one. */
export interface Glob {
  readonly text: string
  readonly segments: readonly string[]
}

/** Matches every image of a repository. */
export const EVERY_IMAGE = '**'

const SEGMENT = /^(?:\*\*|[a-z0-9._*-]+)$/

/**
 * Reads a pattern: `*` stands for any text inside one segment, `**` for any number of whole segments (at the end: at
 * least one), everything else for itself.
 *
 * @throws RegistryError `INVALID` when no image's name could match, or `**` shares a segment with other text
 */
export function parseGlob(text: string): Glob {
  const segments = text.split('/')
  const isGood = segments.every((segment) => SEGMENT.test(segment) && (segment === '**' || !segment.includes('**')))
  if (text.length > MAX_NAME_LENGTH || !isGood) {
    throw new RegistryError('INVALID', { glob: text.slice(0, MAX_NAME_LENGTH) }, { message: 'not an image pattern' })
  }
  return { text, segments }
}

/** Tells whether an image's path matches; takes time in proportion to pattern times path, whatever they are. */
export function matchesGlob(glob: Glob, image: string): boolean {
  if (glob.text === EVERY_IMAGE) return true
  const path = image.split('/')
  // reachable[i]: the pattern read so far can end just before path[i]
  let reachable = path.map((_, i) => i === 0).concat(path.length === 0)
  for (const [position, segment] of glob.segments.entries()) {
    const isLast = position === glob.segments.length - 1
    reachable = segment === '**' ? overAny(reachable, isLast) : overOne(reachable, path, segment)
  }
  return reachable[path.length] === true
}

function overOne(from: readonly boolean[], path: readonly string[], pattern: string): boolean[] {
  return from.map((_, i) => {
    const segment = path[i - 1]
    return segment !== undefined && from[i - 1] === true && matchesWildcard(pattern, segment)
  })
}

function overAny(from: readonly boolean[], needsOne: boolean): boolean[] {
  let seen = false
  return from.map((isReachable) => {
    const before = seen
    seen ||= isReachable
    return needsOne ? before : seen
  })
}
