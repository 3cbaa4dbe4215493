import type { Reader, Row, SqlPart } from '../../src/storage/database.ts'
import type { MigratableDatabase } from '../../src/storage/migratable-database.ts'

/** What the questions of one piece of work have cost. */
export interface Cost {
  questions: number
  /** Rows that were looked at, whether they counted or not; only one engine tells. */
  rows: number
  /** Lines of plans that read a whole table or sort one. */
  readonly wholeTables: string[]
}

/** A reader that lets the engine explain each question before it asks it. */
export class ExplainingReader implements Reader {
  readonly #db: MigratableDatabase
  cost: Cost = { questions: 0, rows: 0, wholeTables: [] }

  constructor(db: MigratableDatabase) {
    this.#db = db
  }

  /** What `work` cost. */
  async costOf(work: () => Promise<unknown>): Promise<Cost> {
    this.cost = { questions: 0, rows: 0, wholeTables: [] }
    await work()
    return this.cost
  }

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    await this.#explain(strings, parts)
    return this.#db.all<T>(strings, ...parts)
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    await this.#explain(strings, parts)
    return this.#db.first<T>(strings, ...parts)
  }

  async #explain(strings: TemplateStringsArray, parts: readonly SqlPart[]): Promise<void> {
    this.cost.questions += 1
    if (this.#db.engine === 'sqlite') await this.#explainPlan(strings, parts)
    else await this.#explainRun(strings, parts)
  }

  /** `SCAN` reads all of a table or of an index; what an inner question has answered is no table. */
  async #explainPlan(strings: TemplateStringsArray, parts: readonly SqlPart[]): Promise<void> {
    const plan = await this.#db.all<{ detail: string }>(before('explain query plan ', strings), ...parts)
    const tables = await this.#db.all<{ name: string }>`select name from pragma_table_list where type = 'table'`
    const names = new Set(tables.map(({ name }) => name))
    for (const { detail } of plan) {
      const scanned = /^SCAN (\S+)/.exec(detail)?.[1]
      if (scanned !== undefined && names.has(scanned)) this.cost.wholeTables.push(detail)
    }
  }

  async #explainRun(strings: TemplateStringsArray, parts: readonly SqlPart[]): Promise<void> {
    const how = 'explain (analyze, costs off, timing off, summary off, buffers off) '
    const plan = await this.#db.all<Record<string, string>>(before(how, strings), ...parts)
    for (const [at, line] of plan.map((row) => Object.values(row)[0] ?? '').entries()) {
      const [, node = '', rows = '0', loops = '1'] =
        /(\w+(?: \w+)*?)(?: using| on| \(actual).*rows=([\d.]+) loops=(\d+)/.exec(line) ?? []
      if (/Scan/.test(node) && !/Subquery|CTE|Bitmap Index/.test(node)) this.cost.rows += Number(rows) * Number(loops)
      const removed = /Rows Removed by (?:Filter|Index Recheck): (\d+)/.exec(line)?.[1]
      if (removed !== undefined) this.cost.rows += Number(removed)
      if (/Seq Scan/.test(line)) this.cost.wholeTables.push(`${at}: ${line.trim()}`)
    }
  }
}

/** The same template with words in front; one object for each, as statements are kept by it. */
function before(words: string, strings: TemplateStringsArray): TemplateStringsArray {
  const known = templates.get(strings)?.get(words)
  if (known) return known
  const texts = [words + (strings[0] ?? ''), ...strings.slice(1)]
  const made = Object.assign(texts, { raw: texts })
  const kept = templates.get(strings) ?? new Map<string, TemplateStringsArray>()
  templates.set(strings, kept.set(words, made))
  return made
}

const templates = new WeakMap<TemplateStringsArray, Map<string, TemplateStringsArray>>()
