import { afterAll, describe, expect, it } from 'bun:test'
import { sharedPostgres } from '../../../tests/harness/postgres.ts'
import { migrate } from '../migrate.ts'
import { PostgresDatabase } from '../postgres-database.ts'
import { SqliteDatabase } from '../sqlite-database.ts'

/** What must be the same on both engines, in words that belong to neither. */
interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly string[]
  readonly foreignKeys: readonly string[]
}

const sqlite = await SqliteDatabase.open(':memory:')
const postgres = await PostgresDatabase.open(await (await sharedPostgres()).createDatabase())
await migrate(sqlite)
await migrate(postgres)
afterAll(() => Promise.all([sqlite.close(), postgres.close()]))

const ofSqlite = await tablesOfSqlite()
const ofPostgres = await tablesOfPostgres()

describe('the schema', () => {
  it('has the same tables on both engines', () => {
    expect(ofPostgres.map(({ name }) => name)).toEqual(ofSqlite.map(({ name }) => name))
    expect(ofSqlite.length).toBeGreaterThan(5)
  })

  for (const table of ofSqlite) {
    it(`has the same columns, keys and indexes on both engines: ${table.name}`, () => {
      expect(ofPostgres.find(({ name }) => name === table.name)).toEqual(table)
    })
  }

  it('orders every text by its bytes, whatever language the server speaks', async () => {
    const wrong = await postgres.all`
      select table_name, column_name from information_schema.columns
      where table_schema = current_schema() and data_type in ('text', 'character varying')
        and collation_name is distinct from 'C'`
    expect(wrong).toEqual([])
    const sorted = await sqlite.all`
      select t.name as tbl, x.name as col from pragma_table_list t
      join pragma_index_list(t.name) i join pragma_index_xinfo(i.name) x
      where t.schema = 'main' and x.key = 1 and x.coll <> 'BINARY'`
    expect(sorted).toEqual([])
  })

  it('has an index for every foreign key, so that a removal does not read whole tables', () => {
    const missing = ofSqlite.flatMap((table) =>
      table.foreignKeys
        .map((key) => key.slice(1, key.indexOf(')')))
        .filter(
          (columns) => !starts(table.primaryKey.join(', '), columns) && !table.indexes.some((i) => indexed(i, columns)),
        )
        .map((columns) => `${table.name} (${columns})`),
    )
    expect(missing).toEqual([])
  })
})

function starts(list: string, columns: string): boolean {
  return list === columns || list.startsWith(`${columns}, `)
}

function indexed(index: string, columns: string): boolean {
  return starts(index.slice(index.indexOf('(') + 1, index.indexOf(')')), columns)
}

async function tablesOfSqlite(): Promise<Table[]> {
  const names = await sqlite.all<{ name: string }>`
    select name from pragma_table_list
    where schema = 'main' and type = 'table' and name not like 'sqlite_%' order by name`
  return Promise.all(names.map(({ name }) => tableOfSqlite(name)))
}

async function tableOfSqlite(name: string): Promise<Table> {
  const columns = await sqlite.all<{ name: string; type: string; required: number; pk: number; dflt: string | null }>`
    select name, type, "notnull" as required, pk, dflt_value as dflt from pragma_table_info(${name}) order by name`
  const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  // the one kind of primary key that is never null without saying so, because it is the row's number
  const rowNumber = primary.length === 1 && primary[0]?.type === 'INTEGER' ? primary[0].name : null
  const foreignKeys = await sqlite.all<{ id: number; own: string; tbl: string; other: string; removal: string }>`
    select id, group_concat("from", ', ') as own, "table" as tbl, group_concat("to", ', ') as other, on_delete as removal
    from (select * from pragma_foreign_key_list(${name}) order by id, seq) group by id`
  const { list } = (await sqlite.first<{ list: number }>`
    select wr as list from pragma_table_list where schema = 'main' and name = ${name}`) ?? { list: 0 }
  return {
    name,
    columns: columns.map((column) => {
      const required = column.required === 1 || column.name === rowNumber || (list === 1 && column.pk > 0)
      return columnWords(column.name, family(column.type), required, column.dflt)
    }),
    primaryKey: primary.map((column) => column.name),
    indexes: await indexesOfSqlite(name),
    foreignKeys: foreignKeys
      .map((key) => `(${key.own}) -> ${key.tbl} (${key.other}) ${key.removal.toLowerCase()}`)
      .sort(),
  }
}

async function indexesOfSqlite(table: string): Promise<string[]> {
  const indexes = await sqlite.all<{ unique: number; columns: string; sql: string | null }>`
    select i."unique", s.sql,
      (select group_concat(coalesce(x.name, 'expression') || case x."desc" when 1 then ' desc' else '' end, ', ')
       from (select * from pragma_index_xinfo(i.name) where key = 1 order by seqno) x) as columns
    from pragma_index_list(${table}) i left join sqlite_schema s on s.name = i.name where i.origin <> 'pk'`
  return indexes
    .map(({ unique, columns, sql }) => indexWords(unique, columns, /\bwhere\b(.*)$/is.exec(sql ?? '')?.[1]))
    .sort()
}

async function tablesOfPostgres(): Promise<Table[]> {
  const names = await postgres.all<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = current_schema()
    order by table_name collate "C"`
  return Promise.all(names.map(({ name }) => tableOfPostgres(name)))
}

async function tableOfPostgres(name: string): Promise<Table> {
  const columns = await postgres.all<{ name: string; type: string; required: number; dflt: string | null }>`
    select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
      pg_get_expr(d.adbin, d.adrelid) as dflt
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = ${name}::regclass and a.attnum > 0 and not a.attisdropped order by a.attname::text collate "C"`
  const keys = await postgres.all<{ kind: string; columns: string; words: string }>`
    select c.contype::text as kind, pg_get_constraintdef(c.oid) as words,
      (select string_agg(a.attname, ', ' order by k.n) from unnest(c.conkey) with ordinality as k (number, n)
       join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number) as columns
    from pg_constraint c where c.conrelid = ${name}::regclass and c.contype in ('p', 'f')`
  return {
    name,
    columns: columns.map((column) => columnWords(column.name, family(column.type), column.required === 1, column.dflt)),
    primaryKey: keys.find(({ kind }) => kind === 'p')?.columns.split(', ') ?? [],
    indexes: await indexesOfPostgres(name),
    foreignKeys: keys
      .filter(({ kind }) => kind === 'f')
      .map(({ words }) => foreignKeyWords(words))
      .sort(),
  }
}

async function indexesOfPostgres(table: string): Promise<string[]> {
  const indexes = await postgres.all<{ unique: number; columns: string; predicate: string | null }>`
    select i.indisunique as "unique", pg_get_expr(i.indpred, i.indrelid) as predicate,
      (select string_agg(case when i.indkey[k.n - 1] = 0 then 'expression' else a.attname end
         || case when i.indoption[k.n - 1] & 1 = 1 then ' desc' else '' end, ', ' order by k.n)
       from generate_series(1, i.indnkeyatts) as k (n)
       left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k.n - 1]) as columns
    from pg_index i where i.indrelid = ${table}::regclass and not i.indisprimary`
  return indexes.map(({ unique, columns, predicate }) => indexWords(unique, columns, predicate)).sort()
}

function foreignKeyWords(words: string): string {
  const [, own, table, other, removal] = /\((.*?)\) REFERENCES (\w+)\((.*?)\)(?: ON DELETE (.*))?/.exec(words) ?? []
  return `(${own}) -> ${table} (${other}) ${removal?.toLowerCase() ?? 'no action'}`
}

function indexWords(unique: number, columns: string, predicate: string | null | undefined): string {
  const words = `${unique ? 'unique ' : ''}(${columns})`
  return predicate ? `${words} where ${plain(predicate)}` : words
}

function columnWords(name: string, type: string, required: boolean, byDefault: string | null): string {
  return `${name} ${type}${required ? ' not null' : ''}${byDefault === null ? '' : ` default ${plain(byDefault)}`}`
}

/** Without brackets and casts, which one engine adds when it repeats an expression. */
function plain(expression: string): string {
  return expression
    .replaceAll(/::\w+|[()]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}

function family(type: string): string {
  const families = { integer: /^(?:integer|bigint)$/i, text: /^text$/i, bytes: /^(?:blob|bytea)$/i }
  return Object.entries(families).find(([, form]) => form.test(type))?.[0] ?? `unknown ${type}`
}
