import {
  DEFAULT_SETTINGS,
  type PolicyRule,
  type RepositoryClass,
  type RepositoryFormat,
  type RepositoryRecord,
  type RepositorySettings,
  type Retention,
  type Visibility,
} from '../core/repository.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import { saveQuota } from './usage.ts'

interface RepositoryRow {
  id: number
  name: string
  class: RepositoryClass
  format: RepositoryFormat
  visibility: Visibility
  settings: string
  created_at: number
  created_by: string
}

/** A repository that is about to be made. */
export type NewRepository = Omit<RepositoryRecord, 'id'>

export async function findRepository(reader: Reader, name: string): Promise<RepositoryRecord | null> {
  const row = await reader.first<RepositoryRow>`select * from repositories where name = ${name}`
  return row && recordOf(row)
}

export async function findRepositoryById(reader: Reader, id: number): Promise<RepositoryRecord | null> {
  const row = await reader.first<RepositoryRow>`select * from repositories where id = ${id}`
  return row && recordOf(row)
}

/**
 * Patterns of a repository's immutable tags as they are at this moment: what is remembered of a repository may be a second
 * old, and what somebody has just made immutable must not change any more.
 */
export async function findImmutableTags(tx: Transaction, id: number): Promise<readonly string[]> {
  const row = await tx.first<RepositoryRow>`select * from repositories where id = ${id}`
  return row ? recordOf(row).settings.immutableTags : []
}

/** Every repository after a name, in order of names. */
export async function listRepositories(reader: Reader, after: string, limit: number): Promise<RepositoryRecord[]> {
  const rows = await reader.all<RepositoryRow>`
    select * from repositories where name > ${after} order by name limit ${limit}`
  return rows.map(recordOf)
}

/** Makes a repository; answers null when the name is taken. */
export async function saveRepository(tx: Transaction, made: NewRepository): Promise<RepositoryRecord | null> {
  const row = await tx.first<{ id: number }>`
    insert into repositories (name, prefix, class, format, visibility, settings, created_at, created_by)
    values (${made.name}, ${`${made.name}/`}, ${made.class}, ${made.format}, ${made.visibility}, ${JSON.stringify(made.settings)},
            ${made.createdAt}, ${made.createdBy})
    on conflict (name) do nothing returning id`
  if (row && made.settings.quotaBytes !== null) await saveQuota(tx, row.id, made.settings.quotaBytes)
  return row && { ...made, id: row.id }
}

/** What may change of a repository; what is absent stays. */
export interface RepositoryChange {
  readonly visibility?: Visibility | undefined
  readonly completeness?: RepositorySettings['completeness'] | undefined
  readonly policy?: { readonly [K in keyof PolicyRule]?: PolicyRule[K] | undefined } | undefined
  readonly immutableTags?: readonly string[] | undefined
  readonly quotaBytes?: number | null | undefined
  readonly retention?: { readonly [K in keyof Retention]?: Retention[K] | undefined } | undefined
}

/**
 * Changes what may change; answers the repository as it is then, or null when it is gone. The row is locked before it is
 * read, so that of two changes at once neither takes the other back.
 */
export async function changeRepository(
  tx: Transaction,
  id: number,
  change: RepositoryChange,
): Promise<RepositoryRecord | null> {
  await tx.run`update repositories set name = name where id = ${id}`
  const row = await tx.first<RepositoryRow>`select * from repositories where id = ${id}`
  if (!row) return null
  const current = recordOf(row)
  const visibility = change.visibility ?? current.visibility
  const { settings: before } = current
  const settings: RepositorySettings = {
    completeness: change.completeness ?? before.completeness,
    policy: { ...before.policy, ...withoutAbsent(change.policy ?? {}) },
    immutableTags: change.immutableTags ?? before.immutableTags,
    quotaBytes: change.quotaBytes === undefined ? before.quotaBytes : change.quotaBytes,
    retention: { ...before.retention, ...withoutAbsent(change.retention ?? {}) },
  }
  await tx.run`
    update repositories set visibility = ${visibility}, settings = ${JSON.stringify(settings)} where id = ${id}`
  // Pushes read it there, in the row that they lock: see `takeRoom`.
  if (settings.quotaBytes !== before.quotaBytes) await saveQuota(tx, id, settings.quotaBytes)
  return { ...current, visibility, settings }
}

/** Takes out keys that were not given: spread over the old values they would remove them. */
function withoutAbsent<T extends object>(change: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Object.entries loses the keys' types; only undefined values were left out.
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

function recordOf(row: RepositoryRow): RepositoryRecord {
  // Written by saveRepository from the same type; what an older version did not know gets its default.
  const kept = JSON.parse(row.settings) as Partial<RepositorySettings>
  return {
    id: row.id,
    name: row.name,
    class: row.class,
    format: row.format,
    visibility: row.visibility,
    settings: {
      ...DEFAULT_SETTINGS,
      ...kept,
      policy: { ...DEFAULT_SETTINGS.policy, ...kept.policy },
      retention: { ...DEFAULT_SETTINGS.retention, ...kept.retention },
    },
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}
