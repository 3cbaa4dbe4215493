import type { TarHeader } from './tar-header.ts'

/** What an entry of a layer is; `other` is what runtimes refuse or ignore. */
export type TarEntryKind = 'file' | 'folder' | 'link' | 'hard-link' | 'device' | 'other'

/** One entry with long names and PAX records applied, its path still as written. */
export interface TarEntry {
  readonly kind: TarEntryKind
  readonly path: string
  /** What a link points at, as written. */
  readonly target: string
  /** Bytes of content in the archive; 0 for kinds that have none. */
  readonly size: number
  /** The content is a map of pieces, not the file itself. */
  readonly isSparse: boolean
  /** Overlay style: a character device 0:0 stands for "removed" (kernel, overlayfs, "whiteouts and opaque directories"). */
  readonly isOverlayWhiteout: boolean
  /** Overlay style: what lower layers have in this folder is hidden. */
  readonly isOverlayOpaque: boolean
  /** The folder scan could not open it; see `folder-tar.ts`. */
  readonly isUnreadable: boolean
}

/** What came before the header and speaks of it. */
export interface ExtendedHeader {
  readonly pax: ReadonlyMap<string, string>
  /** GNU `L` and `K`, null when there were none. */
  readonly longName: string | null
  readonly longLink: string | null
}

/** The vendor key (POSIX allows `VENDOR.keyword`) by which our own folder reader says "I could not open this". */
export const UNREADABLE_RECORD = 'SEAWALL.unreadable'

/**
 * Puts an entry together in the order of Go's reader, which all container runtimes use: header, PAX, GNU names, sparse
 * files.
 *
 * @param statedSize  what header and PAX say, also of kinds that have no content
 */
export function buildTarEntry(header: TarHeader, extended: ExtendedHeader, statedSize: number): TarEntry {
  const { pax } = extended
  const named = extended.longName ?? pax.get('path') ?? header.name
  const kind = kindOf(header.type, named)
  const hasBody = hasContent(header.type) && kind !== 'folder'
  const path = (hasBody && header.type !== 'S' && isPaxSparse(pax) && pax.get('GNU.sparse.name')) || named
  return {
    kind,
    path,
    target: extended.longLink ?? pax.get('linkpath') ?? header.linkName,
    size: hasBody ? statedSize : 0,
    isSparse: header.type === 'S' || isSparse(pax),
    isOverlayWhiteout: header.type === '3' && header.deviceMajor === 0 && header.deviceMinor === 0,
    isOverlayOpaque: kind === 'folder' && isOpaque(pax),
    isUnreadable: pax.has(UNREADABLE_RECORD),
  }
}

/** Links, devices, folders and pipes have no content, whatever their size field says; Go's reader skips none either. */
function hasContent(type: string): boolean {
  return !'123456'.includes(type)
}

function kindOf(type: string, path: string): TarEntryKind {
  switch (type) {
    case '\0': // before POSIX a folder was known by its slash
      return path.endsWith('/') ? 'folder' : 'file'
    case '0':
    case '7':
    case 'S':
      return 'file'
    case '5':
      return 'folder'
    case '2':
      return 'link'
    case '1':
      return 'hard-link'
    case '3':
    case '4':
    case '6':
      return 'device'
    default:
      return 'other'
  }
}

function isSparse(pax: ReadonlyMap<string, string>): boolean {
  return pax.size > 0 && [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))
}

/** What Go's reader takes for one, of the versions that it knows. */
function isPaxSparse(pax: ReadonlyMap<string, string>): boolean {
  if (pax.size === 0) return false
  const version = `${pax.get('GNU.sparse.major') ?? ''}.${pax.get('GNU.sparse.minor') ?? ''}`
  return ['0.0', '0.1', '1.0'].includes(version) || (version === '.' && pax.has('GNU.sparse.map'))
}

function isOpaque(pax: ReadonlyMap<string, string>): boolean {
  return ['trusted', 'user'].some((space) => pax.get(`SCHILY.xattr.${space}.overlay.opaque`) === 'y')
}
