import { join } from 'node:path'
import { compare } from 'semver'
import { zipEntries } from '../../src/scanner/advisories/zip-entries.ts'
import { program } from '../harness/program.ts'
import type { DebianPackage } from '../harness/real-image.ts'
import { run } from '../harness/run-program.ts'

/** Where the advisory files lie, from the project's root. */
export const ADVISORIES = join(import.meta.dir, '..', '..', '..', 'shared', 'data', 'advisories')

/** The names of one vulnerability: whichever of them a finding carries, it is found. */
export type Names = ReadonlySet<string>

type Tracker = Record<string, Record<string, { releases: Record<string, { status: string; fixed_version?: string }> }>>

interface OsvRecord {
  readonly id: string
  readonly aliases?: readonly string[]
  readonly withdrawn?: string
  readonly affected?: readonly {
    readonly package?: { readonly ecosystem: string; readonly name: string }
    readonly versions?: readonly string[]
    readonly ranges?: readonly { readonly type: string; readonly events: readonly Record<string, string>[] }[]
  }[]
}

/**
 * What the tracker's file says of a package, worked out without the product: dpkg itself compares the versions.
 *
 * The source package counts, not the binary one, and a fixed version of 0 means that it never was affected.
 */
export async function expectedOfDebian(pkg: DebianPackage, release: string): Promise<Names[]> {
  const tracker: Tracker = await Bun.file(join(ADVISORIES, 'debian', 'tracker.json')).json()
  const names: Names[] = []
  for (const [id, { releases }] of Object.entries(tracker[pkg.source] ?? {})) {
    const fixed = releases[release]?.fixed_version
    if (fixed && fixed !== '0' && (await isOlder(pkg.sourceVersion, fixed))) names.push(new Set([id]))
  }
  return names
}

async function isOlder(version: string, than: string): Promise<boolean> {
  return (await run([program('dpkg'), '--compare-versions', version, 'lt', than])).code === 0
}

/** What the npm records say of a version, by the evaluation that the OSV schema describes. */
export async function expectedOfNpm(name: string, version: string): Promise<Names[]> {
  const names: Set<string>[] = []
  for await (const entry of zipEntries(join(ADVISORIES, 'osv', 'npm.zip'))) {
    const record: OsvRecord = JSON.parse(new TextDecoder().decode(entry.bytes))
    const affected = record.affected?.filter((one) => one.package?.ecosystem === 'npm' && one.package.name === name)
    if (!record.withdrawn && affected?.some((one) => isAffected(one, version))) {
      names.push(new Set([record.id, ...(record.aliases ?? [])]))
    }
  }
  return names
}

function isAffected({ versions, ranges }: NonNullable<OsvRecord['affected']>[number], version: string): boolean {
  if (versions?.includes(version)) return true
  return (ranges ?? []).some(({ type, events }) => type !== 'GIT' && isInRange(events, version))
}

function isInRange(events: readonly Record<string, string>[], version: string): boolean {
  let inside = false
  for (const { introduced, fixed, last_affected: last } of events) {
    if (introduced !== undefined && (introduced === '0' || compare(version, introduced) >= 0)) inside = true
    if (fixed !== undefined && compare(version, fixed) >= 0) inside = false
    if (last !== undefined && compare(version, last) > 0) inside = false
  }
  return inside
}

/** The differences between what was found and what was expected, in both directions; the ids of one side each. */
export function differences(found: readonly Names[], expected: readonly Names[]) {
  const without = (names: readonly Names[], others: readonly Names[]) =>
    names.filter((one) => others.every((other) => one.isDisjointFrom(other))).map((one) => [...one].join(' = '))
  return { missing: without(expected, found), unexpected: without(found, expected) }
}
