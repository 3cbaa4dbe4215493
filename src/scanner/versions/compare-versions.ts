import { apkOrder } from './apk.ts'
import { dpkgOrder } from './dpkg.ts'
import { mavenOrder } from './maven.ts'
import type { VersionOrder } from './order.ts'
import { packagistOrder } from './packagist.ts'
import { pep440Order } from './pep440.ts'
import { rpmOrder } from './rpm.ts'
import { rubygemsOrder } from './rubygems.ts'
import { nugetOrder, semverOrder } from './semver.ts'

/** The orders we know, by name. */
export const ORDERS = {
  dpkg: dpkgOrder,
  apk: apkOrder,
  semver: semverOrder,
  pep440: pep440Order,
  rpm: rpmOrder,
  maven: mavenOrder,
  rubygems: rubygemsOrder,
  nuget: nugetOrder,
  packagist: packagistOrder,
} as const satisfies Record<string, VersionOrder>

export type OrderName = keyof typeof ORDERS

/** Which order each OSV ecosystem uses, by its name without the release (`Debian` of `Debian:12`). */
const ECOSYSTEMS: ReadonlyMap<string, OrderName> = new Map([
  ['Debian', 'dpkg'],
  ['Ubuntu', 'dpkg'],
  ['Alpine', 'apk'],
  ['Wolfi', 'apk'],
  ['Chainguard', 'apk'],
  ['npm', 'semver'],
  ['Go', 'semver'],
  ['crates.io', 'semver'],
  ['Hex', 'semver'],
  ['Bitnami', 'semver'],
  ['PyPI', 'pep440'],
  ['AlmaLinux', 'rpm'],
  ['Rocky Linux', 'rpm'],
  ['Maven', 'maven'],
  ['RubyGems', 'rubygems'],
  ['NuGet', 'nuget'],
  ['Packagist', 'packagist'],
])

/**
 * Negative when `a` is older than `b`, positive when newer, 0 when equal in that order.
 *
 * @returns null when one of them is not a version of that order; see each order for what it takes
 */
export function compareVersions(order: OrderName, a: string, b: string): number | null {
  return ORDERS[order].compare(a, b)
}

/** The order of an ecosystem such as `npm` or `Debian:12`, or null when we have none. */
export function orderOf(ecosystem: string): VersionOrder | null {
  const name = ECOSYSTEMS.get(ecosystem.split(':', 1)[0] ?? '')
  return name ? ORDERS[name] : null
}
