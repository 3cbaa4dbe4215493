import type { EvidenceReader, OwnedFile } from '../layers/file-evidence.ts'
import { normalisePath } from '../layers/layer-path.ts'
import { isPackageMetadata } from './package-metadata.ts'
import { linesOf } from './paragraphs.ts'

const LISTS = /^var\/lib\/dpkg\/(?:info\/([^/]+)\.(list|md5sums)|status\.d\/([^/]+)\.(md5sums))$/

/** Which files a Debian package brought: `.list` names all of them, `.md5sums` the regular ones with their hashes. */
export const dpkgFilesReader: EvidenceReader = {
  kind: 'dpkg-files',
  maxBytes: 32 * 1024 * 1024,
  mayBeOwned: false,
  claims: (path) => LISTS.test(path),
  read: (content, path) => {
    const match = LISTS.exec(path)
    const owner = match?.[1] ?? match?.[3] ?? ''
    const isSums = (match?.[2] ?? match?.[4]) === 'md5sums'
    const owned = parseDpkgFiles(new TextDecoder().decode(content), owner, isSums)
    return owned.length === 0 ? null : { packages: [], owned }
  },
}

/** Keeps the files that can be evidence of a language package; a list may have a hundred thousand others. */
export function parseDpkgFiles(text: string, owner: string, isSums: boolean): OwnedFile[] {
  const owned: OwnedFile[] = []
  for (const line of linesOf(text)) {
    const sum = isSums ? /^([0-9a-f]{32}) [ *](.+)$/.exec(line) : null
    const path = normalisePath(isSums ? (sum?.[2] ?? '') : line)
    if (!path || !isPackageMetadata(path)) continue
    owned.push({ package: owner, path, ...(sum ? { hash: `md5:${sum[1]}` } : {}) })
  }
  return owned
}
