import { RegistryError } from '../../src/core/errors.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'
import type { UploadStore } from '../../src/storage/upload-store.ts'

/**
 * When the call fails: `before` anything was done; `after` it was done, so that only the answer is lost; `away`: like
 * `before`, and so does every call after it until the plan is ended.
 */
export type FaultMoment = 'before' | 'after' | 'away'

/** Calls without an effect of their own: to lose their answer is the same as not to do them. */
const WITHOUT_EFFECT = /^(?:read|statement|stat|open|list|ping)\b/

/** Counts what is asked of the database and the stores, and makes one call fail. */
export class FaultPlan {
  #armed: { readonly at: number; readonly moment: FaultMoment } | null = null
  #names: string[] = []
  #hit: string | null = null

  /** What was called since `begin`, in order. */
  get names(): readonly string[] {
    return this.#names
  }

  /** The call that failed, or null while none has. */
  get hit(): string | null {
    return this.#hit
  }

  /** Begins to count; absent means that nothing fails. @param at  which call fails, from 0 */
  begin(fault: { readonly at: number; readonly moment: FaultMoment } | null = null): void {
    this.#names = []
    this.#hit = null
    this.#armed = fault
  }

  end(): void {
    this.#armed = null
  }

  async call<T>(name: string, work: () => Promise<T>): Promise<T> {
    const fault = this.#next(name)
    if (fault === 'before') throw failure(name)
    const result = await work()
    if (fault === 'after') throw failure(name)
    return result
  }

  #next(name: string): 'before' | 'after' | null {
    const number = this.#names.push(name) - 1
    const fault = this.#armed
    if (!fault || (fault.moment === 'away' ? number < fault.at : number !== fault.at)) return null
    this.#hit ??= name
    return fault.moment === 'after' ? 'after' : 'before'
  }
}

/** The faults worth having, after a run without any in which these calls were seen. */
export function faultsFor(names: readonly string[]): { readonly at: number; readonly moment: FaultMoment }[] {
  return names.flatMap((name, at) => [
    { at, moment: 'before' as const },
    ...(WITHOUT_EFFECT.test(name) ? [] : [{ at, moment: 'after' as const }]),
    { at, moment: 'away' as const },
  ])
}

function failure(name: string): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, { message: `a fault of this test: ${name}` })
}

/** A real database whose calls the plan sees. A statement that fails takes its transaction with it, as in earnest. */
export function faultyDatabase(inner: Database, plan: FaultPlan): Database {
  return {
    all: <T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]) =>
      plan.call(`read ${beginning(strings)}`, () => inner.all<T>(strings, ...parts)),
    first: <T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]) =>
      plan.call(`read ${beginning(strings)}`, () => inner.first<T>(strings, ...parts)),
    transaction: <T>(work: (tx: Transaction) => Promise<T>) =>
      plan.call('transaction', () => inner.transaction((tx) => watched(tx, plan, work))),
    ping: () => inner.ping(),
    close: () => inner.close(),
  }
}

async function watched<T>(tx: Transaction, plan: FaultPlan, work: (tx: Transaction) => Promise<T>): Promise<T> {
  let broken: { readonly error: unknown } | null = null
  const through = async <R>(strings: TemplateStringsArray, statement: () => Promise<R>): Promise<R> => {
    if (broken) throw broken.error
    try {
      return await plan.call(`statement ${beginning(strings)}`, statement)
    } catch (error) {
      broken ??= { error }
      throw error
    }
  }
  const result = await work({
    all: (strings, ...parts) => through(strings, () => tx.all(strings, ...parts)),
    first: (strings, ...parts) => through(strings, () => tx.first(strings, ...parts)),
    run: (strings, ...parts) => through(strings, () => tx.run(strings, ...parts)),
  })
  if (broken) throw (broken as { error: unknown }).error // the compiler does not see what `through` does to it
  return result
}

function beginning(strings: TemplateStringsArray): string {
  return strings.join('?').trim().split(/\s+/).slice(0, 4).join(' ')
}

/** A real blob store whose calls the plan sees. */
export function faultyBlobs(inner: BlobStore, plan: FaultPlan): BlobStore {
  return {
    stat: (location) => plan.call('stat', () => inner.stat(location)),
    open: (location, size, range) => plan.call('open', () => inner.open(location, size, range)),
    read: (location, range) => plan.call('open to read', () => inner.read(location, range)),
    commit: (staged) => plan.call('commit', () => inner.commit(staged)),
    remove: (locations) => plan.call('remove', () => inner.remove(locations)),
    async *list() {
      await plan.call('list blobs', async () => {})
      yield* inner.list()
    },
    ping: () => inner.ping(),
  }
}

/** A real upload store whose calls the plan sees. */
export function faultyUploads(inner: UploadStore, plan: FaultPlan): UploadStore {
  return {
    create: (id, algorithm) => plan.call('create', () => inner.create(id, algorithm)),
    append: (upload, body, maxBytes) => plan.call('append', () => inner.append(upload, body, maxBytes)),
    takeOver: (upload) => plan.call('takeOver', () => inner.takeOver(upload)),
    seal: (upload, algorithm) => plan.call('seal', () => inner.seal(upload, algorithm)),
    discard: (upload) => plan.call('discard', () => inner.discard(upload)),
    async *list() {
      await plan.call('list uploads', async () => {})
      yield* inner.list()
    },
  }
}
