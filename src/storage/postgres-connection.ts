import type { ReservedSQL, SQL } from 'bun'
import type { SqlPart, SqlValue } from './database.ts'
import { type SqlSpelling, sqlStatement } from './sql-text.ts'

const SPELLING: SqlSpelling = {
  // with its type beside it a parameter means the same wherever it stands
  parameter: (position, value) => `$${position}::${typeName(value)}`,
  fragment: () => 'for update skip locked',
}

/** The answer to a statement. */
export interface PostgresAnswer {
  readonly rows: unknown[]
  /** How many rows it read or changed. */
  readonly count: number
}

/** Runs one statement, on whichever connection `sql` stands for. */
export async function query(
  sql: SQL | ReservedSQL,
  strings: TemplateStringsArray,
  parts: readonly SqlPart[],
): Promise<PostgresAnswer> {
  const { text, values } = sqlStatement(SPELLING, strings, parts)
  const answer: PostgresRow[] & { readonly count: number } = await sql.unsafe(text, values)
  return { rows: Array.from(answer, plain), count: answer.count }
}

type PostgresRow = Record<string, unknown>

/** Makes a row what the interface promises: numbers, texts, plain bytes and null. */
function plain(row: PostgresRow): PostgresRow {
  for (const column in row) {
    const value = row[column]
    if (typeof value === 'bigint' || typeof value === 'boolean') row[column] = Number(value)
    else if (value instanceof Buffer) row[column] = new Uint8Array(value.buffer, value.byteOffset, value.length)
  }
  return row
}

function typeName(value: SqlValue): string {
  if (typeof value === 'number') return 'bigint'
  return typeof value === 'string' ? 'text' : 'bytea'
}
