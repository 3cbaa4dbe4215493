import type { Digest } from '../core/digest.ts'
import { type Finding, SEVERITIES, type Severity } from '../core/finding.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** `done`: read as far as it goes; `failed`: could not be read; `exempt`: not something a scanner looks into. */
export type ScanState = 'done' | 'failed' | 'exempt'

/** What is known of a manifest, wherever it lies. */
export interface ScanRow {
  readonly digest: Digest
  readonly state: ScanState
  readonly platform: string | null
  readonly complete: number
  /** JSON list of sentences: what could not be read or said. */
  readonly reasons: string
  readonly scanned_at: number
  /** When its packages were last held against the advisories. */
  readonly matched_at: number
}

/** The key by which an advisory finds the images that it may concern. */
export interface PackageKey {
  readonly ecosystem: string
  readonly name: string
}

/** A scan that is to be kept. */
export interface NewScan {
  readonly digest: Digest
  readonly state: ScanState
  readonly platform: string | null
  /** JSON bytes that only the scanner reads: inventory and layers. */
  readonly report: Uint8Array | null
  readonly complete: boolean
  readonly reasons: readonly string[]
  readonly packages: readonly PackageKey[]
  readonly findings: readonly Finding[]
}

export function findScan(reader: Reader, digest: Digest): Promise<ScanRow | null> {
  return reader.first<ScanRow>`
    select digest, state, platform, complete, reasons, scanned_at, matched_at from scans where digest = ${digest}`
}

/** Those of a package's artifacts of which nothing is known. */
export async function listUnscanned(
  reader: Reader,
  pkg: PackageId,
  digests: readonly Digest[],
): Promise<{ digest: Digest; media_type: string }[]> {
  if (digests.length === 0) return []
  return reader.all`
    select digest, media_type from artifacts
    where package_id = ${pkg} and digest in ${many(digests)}
      and not exists (select 1 from scans s where s.digest = artifacts.digest)`
}

export async function readScanReport(reader: Reader, digest: Digest): Promise<Uint8Array | null> {
  const row = await reader.first<{ report: Uint8Array | null }>`select report from scans where digest = ${digest}`
  return row?.report ?? null
}

/** Keeps a scan in place of the one before. */
export async function saveScan(tx: Transaction, scan: NewScan, now: number): Promise<void> {
  await tx.run`
    insert into scans (digest, state, platform, report, complete, reasons, scanned_at, matched_at)
    values (${scan.digest}, ${scan.state}, ${scan.platform}, ${scan.report}, ${scan.complete ? 1 : 0},
            ${JSON.stringify(scan.reasons)}, ${now}, ${now})
    on conflict (digest) do update set state = excluded.state, platform = excluded.platform, report = excluded.report,
      complete = excluded.complete, reasons = excluded.reasons, scanned_at = excluded.scanned_at,
      matched_at = excluded.matched_at`
  await tx.run`delete from scan_packages where digest = ${scan.digest}`
  // The statements are under way together, here and below: over a network each would wait for the one before.
  await Promise.all(
    scan.packages.map(
      (key) => tx.run`
        insert into scan_packages (digest, ecosystem, name) values (${scan.digest}, ${key.ecosystem}, ${key.name})
        on conflict do nothing`,
    ),
  )
  await saveFindings(tx, scan.digest, scan.findings)
}

/** Replaces the findings of a scan, whose row must be there. */
export async function saveFindings(tx: Transaction, digest: Digest, findings: readonly Finding[]): Promise<void> {
  await tx.run`delete from findings where digest = ${digest}`
  await Promise.all(
    findings.map(
      (finding, position) => tx.run`
        insert into findings (digest, position, id, severity, fixable, package, version, finding)
        values (${digest}, ${position}, ${finding.id}, ${SEVERITIES.indexOf(finding.severity)},
                ${finding.fixedVersion === null ? 0 : 1}, ${finding.package}, ${finding.version},
                ${JSON.stringify(finding)})`,
    ),
  )
}

/** Says that a scan was held against the advisories again. */
export async function saveMatch(
  tx: Transaction,
  digest: Digest,
  match: { complete: boolean; reasons: readonly string[]; findings: readonly Finding[] },
  now: number,
): Promise<void> {
  await tx.run`
    update scans set matched_at = ${now}, complete = ${match.complete ? 1 : 0},
      reasons = ${JSON.stringify(match.reasons)} where digest = ${digest}`
  await saveFindings(tx, digest, match.findings)
}

/** Findings at least this bad, in the order in which the matcher left them. */
export async function listFindings(
  reader: Reader,
  digest: Digest,
  atLeast: Severity,
  onlyFixable: boolean,
): Promise<Finding[]> {
  const rows = await reader.all<{ finding: string }>`
    select finding from findings
    where digest = ${digest} and severity >= ${SEVERITIES.indexOf(atLeast)} and fixable >= ${onlyFixable ? 1 : 0}
    order by position`
  // Written by saveFindings from the same type.
  return rows.map((row) => JSON.parse(row.finding) as Finding)
}

/** Images that carry a package, after a digest: those that a changed advisory may concern. */
export async function listCarriers(reader: Reader, key: PackageKey, after: string, limit: number): Promise<Digest[]> {
  const rows = await reader.all<{ digest: Digest }>`
    select digest from scan_packages
    where ecosystem = ${key.ecosystem} and name = ${key.name} and digest > ${after} order by digest limit ${limit}`
  return rows.map((row) => row.digest)
}

/** Images with any package of an ecosystem, after a digest: for when the first advisories for it arrive. */
export async function listCarriersOf(
  reader: Reader,
  ecosystem: string,
  after: string,
  limit: number,
): Promise<Digest[]> {
  const rows = await reader.all<{ digest: Digest }>`
    select distinct digest from scan_packages
    where ecosystem = ${ecosystem} and digest > ${after} order by digest limit ${limit}`
  return rows.map((row) => row.digest)
}

/** Images in which a vulnerability was found, after a digest. */
export async function listAffected(reader: Reader, id: string, after: string, limit: number): Promise<Digest[]> {
  const rows = await reader.all<{ digest: Digest }>`
    select distinct digest from findings where id = ${id} and digest > ${after} order by digest limit ${limit}`
  return rows.map((row) => row.digest)
}
