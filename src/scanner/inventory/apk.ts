import type { EvidenceReader, FoundPackage, OwnedFile, ReadEvidence } from '../layers/file-evidence.ts'
import { normalisePath } from '../layers/layer-path.ts'
import { isNameOrVersion, isPackageMetadata, shortText } from './package-metadata.ts'
import { linesOf } from './paragraphs.ts'

/** The database of installed Alpine packages; apk-tools 3 keeps it below `usr`. */
export const apkReader: EvidenceReader = {
  kind: 'apk',
  maxBytes: 64 * 1024 * 1024,
  mayBeOwned: false,
  claims: (path) => path === 'lib/apk/db/installed' || path === 'usr/lib/apk/db/installed',
  read: (content) => parseApkInstalled(new TextDecoder().decode(content)),
}

/** What the lines of one package have said so far. */
interface ApkParagraph {
  readonly fields: Map<string, string>
  readonly owned: { path: string; hash?: string }[]
  folder: string
}

/**
 * Reads an apk database: a letter, a colon and a value per line, a blank line after each package (apk-tools, "db").
 *
 * `F` names a folder, the `R` lines behind it its files, `Z` the hash of the file before.
 */
export function parseApkInstalled(text: string): ReadEvidence {
  const packages: FoundPackage[] = []
  const owned: OwnedFile[] = []
  let paragraph = newParagraph()
  const finish = () => {
    const found = toPackage(paragraph.fields)
    if (found) {
      packages.push(found)
      for (const file of paragraph.owned) if (file.path !== '') owned.push({ package: found.name, ...file })
    }
    paragraph = newParagraph()
  }
  for (const line of linesOf(text)) {
    if (line === '') finish()
    else if (line[1] === ':') readLine(paragraph, line.charAt(0), line.slice(2))
  }
  finish()
  if (packages.length === 0 && text.trim() !== '') return { packages, problem: 'is not an apk database' }
  return owned.length === 0 ? { packages } : { packages, owned }
}

function newParagraph(): ApkParagraph {
  return { fields: new Map(), owned: [], folder: '' }
}

function readLine(paragraph: ApkParagraph, key: string, value: string): void {
  if (key === 'F') paragraph.folder = value
  else if (key === 'R') addFile(paragraph, `${paragraph.folder}/${value}`)
  else if (key === 'Z') addHash(paragraph, value)
  else if (!paragraph.fields.has(key)) paragraph.fields.set(key, value.trim())
}

/** Files that are no evidence are noted with an empty path, so that the hash behind them is not taken for another's. */
function addFile(paragraph: ApkParagraph, written: string): void {
  if (paragraph.owned.at(-1)?.path === '') paragraph.owned.pop()
  const path = normalisePath(written)
  paragraph.owned.push({ path: path && isPackageMetadata(path) ? path : '' })
}

/** `Q1` and the base64 of a SHA-1; other forms are left alone. */
function addHash(paragraph: ApkParagraph, value: string): void {
  const file = paragraph.owned.at(-1)
  if (!file || file.path === '' || !value.startsWith('Q1')) return
  file.hash = `sha1:${Buffer.from(value.slice(2), 'base64').toString('hex')}`
}

function toPackage(fields: ReadonlyMap<string, string>): FoundPackage | null {
  const name = fields.get('P')
  const version = fields.get('V')
  if (!isNameOrVersion(name) || !isNameOrVersion(version)) return null
  const origin = fields.get('o')
  const architecture = fields.get('A')
  const licence = shortText(fields.get('L'))
  const maintainer = shortText(fields.get('m'))
  return {
    type: 'apk',
    name,
    version,
    source: { name: isNameOrVersion(origin) ? origin : name, version },
    ...(isNameOrVersion(architecture) ? { architecture } : {}),
    ...(licence === undefined ? {} : { licence }),
    ...(maintainer === undefined ? {} : { maintainer }),
  }
}
