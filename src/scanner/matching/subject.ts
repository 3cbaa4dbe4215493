import type { PackageKey } from '../../catalog/scans.ts'
import type { Distribution, ImageInventory, InstalledPackage } from '../../core/inventory.ts'
import { debianEcosystem } from '../advisories/debian-releases.ts'
import { packageNameOf } from '../advisories/package-name.ts'
import { isForeign } from './foreign-packages.ts'

/** A package as the advisories know it. */
export interface Subject extends PackageKey {
  readonly package: InstalledPackage
  /** The version that advisories speak of: for a distribution's package that of its source. */
  readonly version: string
}

/** A package with no key; `unknown` when that means that nothing can be said of it. */
export interface NoSubject {
  readonly package: InstalledPackage
  readonly why: 'unknown-distribution' | 'foreign' | 'owned' | 'kernel-files'
}

const NOBODY: ReadonlySet<string> = new Set()

/** Packages of third parties own files too, but the distribution says nothing of what is in them (2.9 (c)). */
export function foreignOwnersOf(inventory: ImageInventory): ReadonlySet<string> {
  return new Set(inventory.packages.filter((pkg) => pkg.type === 'deb' && isForeign(pkg)).map((pkg) => pkg.name))
}

/** Under which ecosystem and name the advisories speak of a package (scanning rules 2.8 and 2.9). */
export function subjectOf(
  pkg: InstalledPackage,
  distribution: Distribution | null,
  foreignOwners: ReadonlySet<string> = NOBODY,
): Subject | NoSubject {
  switch (pkg.type) {
    case 'deb':
      return debSubject(pkg, distribution)
    case 'apk': {
      const ecosystem = alpineEcosystem(distribution)
      if (!ecosystem) return { package: pkg, why: 'unknown-distribution' }
      return { package: pkg, ecosystem, ...sourceOf(pkg) }
    }
    case 'npm':
      return languageSubject(pkg, 'npm', foreignOwners)
    case 'pypi':
      return languageSubject(pkg, 'PyPI', foreignOwners)
  }
}

/** Every key by which a changed advisory may concern an image. */
export function advisoryKeys(inventory: ImageInventory): PackageKey[] {
  const keys = new Map<string, PackageKey>()
  const foreign = foreignOwnersOf(inventory)
  for (const pkg of inventory.packages) {
    const subject = subjectOf(pkg, inventory.distribution, foreign)
    if ('why' in subject) continue
    const { ecosystem, name } = subject
    keys.set(`${ecosystem}\n${name}`, { ecosystem, name })
  }
  return [...keys.values()]
}

function debSubject(pkg: InstalledPackage, distribution: Distribution | null): Subject | NoSubject {
  const ecosystem = debianRelease(distribution)
  if (!ecosystem) return { package: pkg, why: 'unknown-distribution' }
  if (isForeign(pkg)) return { package: pkg, why: 'foreign' }
  if (isKernelFiles(pkg)) return { package: pkg, why: 'kernel-files' }
  return { package: pkg, ecosystem, ...sourceOf(pkg) }
}

/** A language package that the distribution installed is the distribution's to speak of, under its own package's name. */
function languageSubject(
  pkg: InstalledPackage,
  ecosystem: string,
  foreignOwners: ReadonlySet<string>,
): Subject | NoSubject {
  if (pkg.ownedBy !== undefined && !foreignOwners.has(pkg.ownedBy)) return { package: pkg, why: 'owned' }
  // `2.0.0+cu118` is a local build of 2.0.0 and has what that has (PEP 440, "local version identifiers").
  const version = pkg.type === 'pypi' ? pkg.version.replace(/\+.*/, '') : pkg.version
  return { package: pkg, ecosystem, name: packageNameOf(ecosystem, pkg.name), version }
}

function sourceOf(pkg: InstalledPackage): { readonly name: string; readonly version: string } {
  return { name: pkg.source?.name ?? pkg.name, version: pkg.source?.version || pkg.version }
}

/** `12.5` is release 12; testing and unstable have no number and go by codename. */
function debianRelease(distribution: Distribution | null): string | null {
  if (distribution?.id !== 'debian') return null
  const number = /^\d+/.exec(distribution.version)?.[0]
  if (number) return `Debian:${number}`
  return distribution.codename ? debianEcosystem(distribution.codename) : null
}

/** `3.20.3` is branch v3.20; `3.21.0_alpha20240923` is edge on its way there. */
function alpineEcosystem(distribution: Distribution | null): string | null {
  if (distribution?.id !== 'alpine') return null
  if (/^edge|_alpha/.test(distribution.version)) return 'Alpine:edge'
  const branch = /^\d+\.\d+/.exec(distribution.version)?.[0]
  return branch ? `Alpine:v${branch}` : null
}

/** Headers and tools made of the kernel's source: no kernel runs in a container, so its flaws are not theirs. */
function isKernelFiles(pkg: InstalledPackage): boolean {
  const source = pkg.source?.name ?? pkg.name
  return /^linux(?:-\d[\d.]*|-signed-.*)?$/.test(source) && !pkg.name.startsWith('linux-image-')
}
