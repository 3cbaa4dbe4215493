import type { EvidenceReader } from '../layers/file-evidence.ts'

const DATABASES = [
  {
    manager: 'rpm',
    path: /^(?:var\/lib\/rpm|usr\/lib\/sysimage\/rpm|usr\/share\/rpm)\/(?:Packages(?:\.db)?|rpmdb\.sqlite)$/,
  },
  { manager: 'pacman', path: /^var\/lib\/pacman\/local\/[^/]+\/desc$/ },
  { manager: 'opkg', path: /^(?:usr|var)\/lib\/opkg\/status$/ },
] as const

/**
 * Databases of package managers that we cannot read: an image that has one is never called complete, as silence about
 * its packages would read like "nothing found".
 */
export const unsupportedDatabaseReader: EvidenceReader = {
  kind: 'unsupported',
  maxBytes: 0,
  mayBeOwned: false,
  claims: (path) => DATABASES.some((database) => database.path.test(path)),
  read: (_content, path) => {
    const manager = DATABASES.find((database) => database.path.test(path))?.manager
    return { packages: [], problem: `lists ${manager} packages, which are not read` }
  },
}
