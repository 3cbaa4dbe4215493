import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Environment } from '../../cli/environment.ts'
import { printNote } from '../../cli/output.ts'
import type { Config } from '../config/config.ts'
import { databasePlace } from '../config/database-place.ts'
import { loadConfig } from '../config/load-config.ts'
import { compareSeverity, type Severity } from '../core/finding.ts'
import type { ImageInventory } from '../core/inventory.ts'
import { type AdvisoryReader, StoredAdvisories } from '../scanner/advisories/advisory-reader.ts'
import { NO_ADVISORIES } from '../scanner/advisories/no-advisories.ts'
import { matchInventory } from '../scanner/match.ts'
import { reportJson } from '../scanner/report/report-json.ts'
import { reportSarif } from '../scanner/report/report-sarif.ts'
import { reportTable } from '../scanner/report/report-table.ts'
import type { ScanReport } from '../scanner/report/scan-report.ts'
import type { ImageSubject } from '../scanner/subjects/image-subject.ts'
import { takeInventory } from '../scanner/take-inventory.ts'
import { EXIT } from './exit-codes.ts'
import { layerLimits } from './layer-limits.ts'
import { withDatabase } from './local-database.ts'
import { ProgressLine } from './progress-line.ts'
import { openScanSubject } from './scan-subject.ts'
import { VERSION } from './version.ts'

/** What the command line says of a scan. */
export interface ScanOptions {
  readonly format: 'table' | 'json' | 'sarif'
  readonly json?: boolean
  readonly output?: string
  readonly failOn?: Severity
  readonly onlyFixable?: boolean
  readonly platform?: string
  readonly image?: string
  readonly plainHttp?: boolean
  readonly config?: string
}

/** `seawall scan`. @returns the exit code */
export async function scan(named: string, options: ScanOptions, env: Environment): Promise<number> {
  const config = loadConfig(options.config, env)
  const stop = new AbortController()
  const onInterrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', onInterrupt)
  try {
    const subject = await openScanSubject(named, options, env, stop.signal)
    try {
      const inventory = await read(subject, config, stop.signal)
      const report = await withAdvisories(config, (advisories) => match(named, subject, inventory, advisories, options))
      await write(report, options)
      return exitCode(report, options.failOn)
    } finally {
      await subject.close()
    }
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

async function read(subject: ImageSubject, config: Config, signal: AbortSignal): Promise<ImageInventory> {
  const progress = new ProgressLine()
  try {
    return await takeInventory(subject, {
      limits: layerLimits(config.scan),
      signal,
      onProgress: (done, total) => progress.showPart(done, total, done < total ? 'reading layers' : 'matching'),
    })
  } finally {
    progress.clear()
  }
}

/** A scan makes no database: where there is none, nothing is known. */
async function withAdvisories<T>(config: Config, work: (advisories: AdvisoryReader) => Promise<T>): Promise<T> {
  const { file } = databasePlace(config)
  if (file !== null && !existsSync(file)) return work(NO_ADVISORIES)
  return withDatabase(config, (db) => work(new StoredAdvisories(db)))
}

async function match(
  named: string,
  subject: ImageSubject,
  inventory: ImageInventory,
  advisories: AdvisoryReader,
  { onlyFixable }: ScanOptions,
): Promise<ScanReport> {
  const feeds = await advisories.feeds()
  const { findings, unknowns } = await matchInventory(advisories, inventory)
  const none =
    feeds.length === 0 ? ['there are no advisories on this machine: run "seawall advisories update" first'] : []
  const reasons = [...none, ...inventory.reasons, ...unknowns]
  return {
    subject: { name: named, digest: subject.digest, platform: subject.platform },
    distribution: inventory.distribution,
    packages: inventory.packages,
    findings: onlyFixable ? findings.filter(({ fixedVersion }) => fixedVersion !== null) : findings,
    feeds,
    layers: subject.layers,
    complete: inventory.complete && reasons.length === 0,
    reasons,
  }
}

async function write(report: ScanReport, options: ScanOptions): Promise<void> {
  if (options.output === undefined) {
    process.stdout.write(textOf(report, options))
    return
  }
  await writeFile(options.output, textOf(report, options)).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`the report cannot be written to ${options.output}: ${reason}`, { cause: error })
  })
  const { findings, complete, reasons } = report
  printNote(`${options.output}: ${findings.length} findings${complete ? '' : `; not known: ${reasons.join('; ')}`}`)
}

function textOf(report: ScanReport, { format, json, output }: ScanOptions): string {
  if (json || format === 'json') return reportJson(report)
  if (format === 'sarif') return reportSarif(report, VERSION)
  const isTerminal = output === undefined && process.stdout.isTTY === true
  return reportTable(report, {
    isColoured: isTerminal && !process.env.NO_COLOR,
    columns: isTerminal ? process.stdout.columns || 80 : Number.MAX_SAFE_INTEGER,
  })
}

function exitCode({ findings, complete }: ScanReport, failOn: Severity | undefined): number {
  if (failOn === undefined) return EXIT.ok
  if (findings.some(({ severity }) => compareSeverity(severity, failOn) >= 0)) return EXIT.findings
  return complete ? EXIT.ok : EXIT.unknown
}
