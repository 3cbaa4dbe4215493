import { expect } from 'bun:test'
import { SYSTEM } from '../../src/core/actor.ts'
import type { Digest } from '../../src/core/digest.ts'
import {
  DEFAULT_SETTINGS,
  type RepositorySettings,
  type Retention,
  type RetentionRule,
} from '../../src/core/repository.ts'
import { runRetention } from '../../src/maintenance/retain.ts'
import {
  formatCursor,
  type PreviewLine,
  parseCursor,
  previewRetention,
} from '../../src/maintenance/retention-preview.ts'
import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'
import { pushBytes, putDocument, TestRegistry } from './registry.ts'

const DAY = 86_400_000
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'

/** A rule of which only the reasons are said. */
export function rule(made: Partial<RetentionRule>): RetentionRule {
  return { images: [], tags: [], keepNewest: null, keepSetWithinDays: null, keepPulledWithinDays: null, ...made }
}

function document(mediaType: string, json: object) {
  return { mediaType, bytes: new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...json })) }
}

/** Somebody else comes in before each transaction, until there is nothing more to do. */
export class InterruptedDatabase implements Database {
  readonly #inner: Database
  readonly #steps: (() => Promise<unknown>)[]

  constructor(inner: Database, ...steps: (() => Promise<unknown>)[]) {
    this.#inner = inner
    this.#steps = steps
  }

  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    return this.#inner.all(strings, ...parts)
  }

  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    return this.#inner.first(strings, ...parts)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await this.#steps.shift()?.()
    return this.#inner.transaction(work)
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

/** A database in which every transaction waits after a certain statement, as long as somebody wants. */
export class PausedDatabase extends InterruptedDatabase {
  readonly #statement: string
  readonly #wait: () => Promise<void>

  /** @param statement  its beginning */
  constructor(inner: Database, statement: string, wait: () => Promise<void>) {
    super(inner)
    this.#statement = statement
    this.#wait = wait
  }

  override transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return super.transaction((tx) =>
      work({
        all: (strings, ...parts) => tx.all(strings, ...parts),
        first: (strings, ...parts) => tx.first(strings, ...parts),
        run: async (strings, ...parts) => {
          const changed = await tx.run(strings, ...parts)
          if (strings.join('?').trim().startsWith(this.#statement)) await this.#wait()
          return changed
        },
      }),
    )
  }
}

/** A repository "demo" whose rules are tried; days are passed by moving the clock. */
export class RetentionTrial {
  readonly test: TestRegistry
  readonly db: Database

  constructor(test: TestRegistry, db: Database) {
    this.test = test
    this.db = db
  }

  static async open(db: Database): Promise<RetentionTrial> {
    const test = await TestRegistry.open(db)
    await test.repository('demo')
    return new RetentionTrial(test, db)
  }

  pass(days: number): void {
    this.test.auth.ahead += days * DAY
  }

  async set(retention: Partial<Retention>, more: Partial<RepositorySettings> = {}): Promise<void> {
    const settings = { ...DEFAULT_SETTINGS, ...more, retention: { ...DEFAULT_SETTINGS.retention, ...retention } }
    await this.test.change('demo', settings)
  }

  async repository() {
    const found = await this.test.directory.find('demo')
    if (!found) throw new Error('there is no repository')
    return found
  }

  /** @param subject  what it is about */
  async push(image: string, tags: readonly string[], mark = tags[0] ?? '', subject?: Digest): Promise<Digest> {
    const pkg = await this.test.push(`demo/${image}`)
    const config = await pushBytes(pkg, new TextEncoder().encode(`config ${mark}`))
    const made = document(MANIFEST, {
      config: { mediaType: CONFIG, digest: config, size: 4 },
      layers: [],
      annotations: { mark },
      ...(subject && { subject: { mediaType: MANIFEST, digest: subject, size: 4 } }),
    })
    return putDocument(pkg, made, { tags })
  }

  async index(image: string, tags: readonly string[], children: readonly Digest[]): Promise<Digest> {
    const manifests = children.map((digest) => ({ mediaType: MANIFEST, digest, size: 4 }))
    return putDocument(await this.test.push(`demo/${image}`), document(INDEX, { manifests }), { tags })
  }

  async pull(image: string, reference: string): Promise<void> {
    await (await this.test.push(`demo/${image}`)).find(reference)
    await this.test.services.pulls.flush()
  }

  async remove(image: string, tags: readonly string[]): Promise<void> {
    const pkg = await this.test.registry.toDelete({ ...SYSTEM, isAdmin: true }, this.test.name(`demo/${image}`))
    for (const tag of tags) await pkg.removeTag(tag)
  }

  async preview(limit = 1000, isAll = false): Promise<PreviewLine[]> {
    const { id, settings } = await this.repository()
    const lines: PreviewLine[] = []
    let after = formatCursor({ now: this.test.auth.now(), position: null, shown: 0 })
    for (;;) {
      const page = await previewRetention(this.db, { repositoryId: id, settings }, parseCursor(after), { limit, isAll })
      expect(page.items.length).toBeLessThanOrEqual(limit)
      lines.push(...page.items)
      if (!page.next) return lines
      after = formatCursor(page.next)
    }
  }

  async run({ isForced = false, db = this.db } = {}) {
    const order = { repository: await this.repository(), now: this.test.auth.now(), isForced, by: SYSTEM.name }
    return runRetention(db, { ...order, keepDeletedMs: 7 * DAY }, new AbortController().signal)
  }

  /** `image:tag` and `image@digest`, of all that is there. */
  async held(): Promise<Set<string>> {
    const tags = await this.db.all<{ text: string }>`
      select p.name || ':' || t.name as text from tags t join packages p on p.id = t.package_id`
    const manifests = await this.db.all<{ text: string }>`
      select p.name || '@' || a.digest as text from artifacts a join packages p on p.id = a.package_id`
    return new Set([...tags, ...manifests].map(({ text }) => text))
  }

  async tags(image = 'app'): Promise<string[]> {
    const page = await (await this.test.push(`demo/${image}`)).tags({ limit: 1000 })
    return [...(page?.items ?? [])]
  }
}
