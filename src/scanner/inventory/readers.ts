import type { EvidenceReader } from '../layers/file-evidence.ts'
import { apkReader } from './apk.ts'
import { distributionReader } from './distribution-reader.ts'
import { dpkgReader } from './dpkg.ts'
import { dpkgFilesReader } from './dpkg-files.ts'
import { npmReader } from './npm.ts'
import { pythonReader } from './python.ts'
import { unsupportedDatabaseReader } from './unsupported-database.ts'

/** Every kind of file that tells of packages; the first that claims a path reads it. A new package manager is a line. */
export const READERS: readonly EvidenceReader[] = [
  dpkgReader,
  dpkgFilesReader,
  apkReader,
  npmReader,
  pythonReader,
  distributionReader,
  unsupportedDatabaseReader,
]
