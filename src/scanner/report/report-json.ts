import type { InstalledPackage } from '../../core/inventory.ts'
import type { ScanReport } from './scan-report.ts'

/** The report for programs. Its fields are promised: some may be added, none renamed or removed. */
export function reportJson(report: ScanReport): string {
  const { subject, distribution, packages, findings, feeds, complete, reasons } = report
  const value = {
    subject: { name: subject.name, digest: subject.digest, platform: subject.platform },
    distribution: distribution && { id: distribution.id, version: distribution.version },
    packages: packages.map(packageJson),
    findings,
    advisories: feeds.map(({ source, updatedAt, count, revision }) => ({
      source,
      updatedAt: new Date(updatedAt).toISOString(),
      count,
      revision,
    })),
    complete,
    reasons,
  }
  return `${JSON.stringify(value, null, 2)}\n`
}

function packageJson(pkg: InstalledPackage): object {
  const { type, name, version, purl, source, layer, path, licence, ownedBy } = pkg
  return {
    type,
    name,
    version,
    purl,
    source: source?.name ?? null,
    sourceVersion: source?.version ?? null,
    layer,
    path,
    ...(licence !== undefined && { licence }),
    ...(ownedBy !== undefined && { ownedBy }),
  }
}
