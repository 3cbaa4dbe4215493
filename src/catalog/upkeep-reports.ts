import type { Reader, Transaction } from '../storage/database.ts'

/** The kinds of upkeep that leave a report of their last run. */
export type UpkeepKind = 'collect' | 'reconcile' | 'scrub' | `retention:${string}`

/** What the last run of a kind found. */
export interface UpkeepReport {
  readonly kind: UpkeepKind
  /** JSON, in a form of the kind's own. */
  readonly report: string
  /** Milliseconds since 1970. */
  readonly finished_at: number
}

/** Keeps the report of a run in place of the one before. */
export async function saveUpkeepReport(tx: Transaction, kind: UpkeepKind, report: object, now: number): Promise<void> {
  await tx.run`
    insert into upkeep_reports (kind, report, finished_at) values (${kind}, ${JSON.stringify(report)}, ${now})
    on conflict (kind) do update set report = excluded.report, finished_at = excluded.finished_at`
}

/** The report of the last run of every kind that ever ran, but for those of single repositories, which may be many. */
export function listUpkeepReports(reader: Reader): Promise<UpkeepReport[]> {
  return reader.all<UpkeepReport>`
    select kind, report, finished_at from upkeep_reports
    where kind < 'retention:' or kind >= 'retention;' order by kind`
}

/** The report of the last run of a kind; null when none has ended. */
export function findUpkeepReport(reader: Reader, kind: UpkeepKind): Promise<UpkeepReport | null> {
  return reader.first<UpkeepReport>`select kind, report, finished_at from upkeep_reports where kind = ${kind}`
}
