import {
  DEFAULT_SETTINGS,
  type RepositoryClass,
  type RepositoryFormat,
  type RepositoryRecord,
  type RepositorySettings,
  type Visibility,
} from '../core/repository.ts'
import type { Reader, Transaction } from '../storage/database.ts'

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

/** Every repository after a name, in order of names. */
export async function listRepositories(reader: Reader, after: string, limit: number): Promise<RepositoryRecord[]> {
  const rows = await reader.all<RepositoryRow>`
    select * from repositories where name > ${after} order by name limit ${limit}`
  return rows.map(recordOf)
}

/** Makes a repository; answers null when the name is taken. */
export async function saveRepository(tx: Transaction, made: NewRepository): Promise<RepositoryRecord | null> {
  const row = await tx.first<{ id: number }>`
    insert into repositories (name, class, format, visibility, settings, created_at, created_by)
    values (${made.name}, ${made.class}, ${made.format}, ${made.visibility}, ${JSON.stringify(made.settings)},
            ${made.createdAt}, ${made.createdBy})
    on conflict (name) do nothing returning id`
  return row && { ...made, id: row.id }
}

/** Changes what may change; answers false when the repository is gone. */
export async function saveRepositorySettings(
  tx: Transaction,
  id: number,
  visibility: Visibility,
  settings: RepositorySettings,
): Promise<boolean> {
  const changed = await tx.run`
    update repositories set visibility = ${visibility}, settings = ${JSON.stringify(settings)} where id = ${id}`
  return changed > 0
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
    },
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}
