import type { Distribution } from '../../core/inventory.ts'
import type { FileTree } from '../layers/file-tree.ts'
import { OS_RELEASE_PATHS } from './distribution-reader.ts'
import type { MergedFile } from './merged-view.ts'

type Fields = Readonly<Record<string, string>>

/** Names the distribution of a merged view; null when nothing says it. */
export function findDistribution(tree: FileTree<MergedFile>): Distribution | null {
  for (const path of OS_RELEASE_PATHS) {
    const fields = fieldsAt(tree, path)
    if (fields?.ID) return refine(fromOsRelease(fields), tree)
  }
  return fromOlderFiles(tree)
}

/** What a file says, links followed inside the image: `/etc/os-release` is one on most distributions. */
function fieldsAt(tree: FileTree<MergedFile>, path: string): Fields | null {
  const resolved = tree.resolve(path)
  const node = resolved === null ? undefined : tree.find(resolved)
  return node?.kind === 'leaf' ? (node.leaf.evidence?.fields ?? null) : null
}

function textAt(tree: FileTree<MergedFile>, path: string): string {
  return fieldsAt(tree, path)?.text ?? ''
}

function fromOsRelease(fields: Fields): Distribution {
  return {
    id: (fields.ID ?? '').toLowerCase(),
    version: fields.VERSION_ID ?? '',
    ...(fields.VERSION_CODENAME ? { codename: fields.VERSION_CODENAME } : {}),
    ...(fields.PRETTY_NAME ? { prettyName: fields.PRETTY_NAME } : {}),
  }
}

function refine(distribution: Distribution, tree: FileTree<MergedFile>): Distribution {
  if (distribution.id === 'alpine' && isAlpineEdge(textAt(tree, 'etc/apk/repositories'))) {
    return { ...distribution, version: 'edge' }
  }
  if (distribution.id === 'debian' && distribution.version === '') {
    return { ...distribution, version: debianMajor(textAt(tree, 'etc/debian_version')) }
  }
  return distribution
}

/** Images older than `os-release`: Debian 6, Alpine 2. */
function fromOlderFiles(tree: FileTree<MergedFile>): Distribution | null {
  const alpine = textAt(tree, 'etc/alpine-release')
  if (alpine !== '') return { id: 'alpine', version: firstLine(alpine) }
  const debian = textAt(tree, 'etc/debian_version')
  return debian === '' ? null : { id: 'debian', version: debianMajor(debian) }
}

/** `12.5` is release 12; `trixie/sid` has no number yet. */
function debianMajor(text: string): string {
  return /^(\d+)(?:\.|$)/.exec(firstLine(text))?.[1] ?? ''
}

/** The rolling branch says a version of its own, but has its own advisories: only the sources of its packages tell. */
function isAlpineEdge(repositories: string): boolean {
  const lines = repositories.split('\n').filter((line) => /^\s*(?:https?:\/)?\//.test(line))
  const isMain = (line: string) => /\/main\/?\s*$/.test(line)
  return (
    lines.some((line) => isMain(line) && line.includes('/edge/')) &&
    !lines.some((line) => isMain(line) && !line.includes('/edge/'))
  )
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').trim()
}
