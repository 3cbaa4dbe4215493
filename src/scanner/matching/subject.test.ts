import { describe, expect, it } from 'bun:test'
import type { Distribution, InstalledPackage, PackageType } from '../../core/inventory.ts'
import { advisoryKeys, subjectOf } from './subject.ts'

function packageOf(type: PackageType, name: string, version: string, more: Partial<InstalledPackage> = {}) {
  return { type, name, version, purl: '', source: null, path: '/x', layer: null, ...more } satisfies InstalledPackage
}

function keyOf(pkg: InstalledPackage, distribution: Distribution | null): string {
  const subject = subjectOf(pkg, distribution)
  return 'why' in subject ? subject.why : `${subject.ecosystem} ${subject.name} ${subject.version}`
}

const bookworm = { id: 'debian', version: '12.5', codename: 'bookworm' }
const curl = packageOf('deb', 'libcurl4', '7.88.1-10+b1', { source: { name: 'curl', version: '7.88.1-10' } })

describe('the name under which advisories speak of a package', () => {
  const rows: readonly (readonly [string, InstalledPackage, Distribution | null, string])[] = [
    ['its source in the release', curl, bookworm, 'Debian:12 curl 7.88.1-10'],
    ['its own where it names no source', packageOf('deb', 'curl', '1-1'), bookworm, 'Debian:12 curl 1-1'],
    [
      'known in testing by codename',
      curl,
      { id: 'debian', version: '', codename: 'forky' },
      'Debian:14 curl 7.88.1-10',
    ],
    ['known in unstable', curl, { id: 'debian', version: '', codename: 'sid' }, 'Debian:sid curl 7.88.1-10'],
    ['not known without a release', curl, { id: 'debian', version: '' }, 'unknown-distribution'],
    ['not that of another distribution', curl, { id: 'ubuntu', version: '22.04' }, 'unknown-distribution'],
    ['not known without a distribution', curl, null, 'unknown-distribution'],
    [
      'its origin in the branch',
      packageOf('apk', 'libssl3', '3.1-r0', { source: { name: 'openssl', version: '3.1-r0' } }),
      { id: 'alpine', version: '3.20.3' },
      'Alpine:v3.20 openssl 3.1-r0',
    ],
    [
      'of edge before a release',
      packageOf('apk', 'musl', '1-r0'),
      { id: 'alpine', version: '3.21.0_alpha20240923' },
      'Alpine:edge musl 1-r0',
    ],
    ['the scoped name', packageOf('npm', '@angular/core', '1.0.0'), null, 'npm @angular/core 1.0.0'],
    [
      'the normalised name, without a local version',
      packageOf('pypi', 'Zope.Interface_x', '1.0+cu118'),
      null,
      'PyPI zope-interface-x 1.0',
    ],
    [
      'none where the distribution owns it',
      packageOf('npm', 'semver', '7.0.0', { ownedBy: 'node-semver' }),
      bookworm,
      'owned',
    ],
    [
      'none for headers of the kernel',
      packageOf('deb', 'linux-libc-dev', '6.1-1', { source: { name: 'linux', version: '6.1-1' } }),
      bookworm,
      'kernel-files',
    ],
    [
      'that of the kernel for a kernel',
      packageOf('deb', 'linux-image-6.1-amd64', '6.1-1', { source: { name: 'linux', version: '6.1-1' } }),
      bookworm,
      'Debian:12 linux 6.1-1',
    ],
    [
      'none for what another maker built',
      packageOf('deb', 'docker-ce', '5:24-1', { maintainer: 'Docker <support@docker.com>' }),
      bookworm,
      'foreign',
    ],
    ['none for a rebuild by the project itself', packageOf('deb', 'libpq5', '16.1-1.pgdg120+1'), bookworm, 'foreign'],
  ]
  for (const [about, pkg, distribution, expected] of rows) {
    it(`is ${about}`, () => expect(keyOf(pkg, distribution)).toBe(expected))
  }

  it('is listed once for an image', () => {
    const packages = [curl, { ...curl, name: 'curl' }, packageOf('npm', 'a', '1.0.0'), packageOf('npm', 'a', '2.0.0')]
    const inventory = { distribution: bookworm, packages, complete: true, reasons: [] }
    expect(advisoryKeys(inventory)).toEqual([
      { ecosystem: 'Debian:12', name: 'curl' },
      { ecosystem: 'npm', name: 'a' },
    ])
  })

  it('is its own for a language package that came in the package of a third party', () => {
    const npm = packageOf('npm', 'npm', '10.0.0', { ownedBy: 'nodejs' })
    const ofDebian = packageOf('deb', 'nodejs', '18.19.0+dfsg-6~deb12u2', {
      maintainer: 'Debian JavaScript <x@debian.org>',
    })
    const ofOthers = packageOf('deb', 'nodejs', '20.11.0-1nodesource1', { maintainer: 'Ivan <ivan@nodesource.com>' })
    const inventory = (owner: InstalledPackage) => ({
      distribution: bookworm,
      packages: [owner, npm],
      complete: true,
      reasons: [],
    })
    expect(advisoryKeys(inventory(ofDebian)).map((key) => key.ecosystem)).toEqual(['Debian:12'])
    expect(advisoryKeys(inventory(ofOthers)).map((key) => key.ecosystem)).toEqual(['npm'])
  })
})
