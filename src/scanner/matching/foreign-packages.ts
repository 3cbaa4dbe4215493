import type { InstalledPackage } from '../../core/inventory.ts'

/**
 * Makers of widely used packages that are installed beside a distribution's own.
 *
 * A list, because the maintainer's address proves nothing by itself: Debian's developers write from anywhere.
 */
const MAKERS = new RegExp(
  [
    '@nodesource\\.com',
    'support@docker\\.com',
    'cudatools@nvidia\\.com',
    '@nginx\\.com',
    'nginx-packaging@f5\\.com',
    'chromium-dev@chromium\\.org',
    '@dotnetfoundation\\.org',
    'dotnetcore@microsoft\\.com',
    '@mongodb\\.com',
    '@hashicorp\\.com',
    'packagers@lists\\.mariadb\\.org',
    'mysql-build@oss\\.oracle\\.com',
    '@elastic\\.co',
    '@grafana\\.com',
    'temurin-dev@eclipse\\.org',
    '@azul\\.com',
    '@gitlab\\.com',
    '@kubernetes\\.io',
    'redis@redis\\.io',
    'yarn@dan\\.cx',
    '@percona\\.com',
  ].join('|'),
  'i',
)

/** Rebuilds that keep Debian's maintainer and mark the version: the archives of some projects themselves. */
const REBUILDS = /\.pgdg|deb\.sury\.org|nodesource/

/** Tells whether a `deb` package was made by somebody else than the distribution, whose advisories then say nothing of it. */
export function isForeign(pkg: InstalledPackage): boolean {
  return REBUILDS.test(pkg.version) || MAKERS.test(pkg.maintainer ?? '')
}
