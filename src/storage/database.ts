/**
 * A value that goes into SQL as a parameter. Times are integers, in milliseconds since 1970; flags are 0 or 1.
 *
 * Numbers are whole and within 2^53 (else a `TypeError`). A text with a NUL or half of a surrogate pair is refused with
 * `INVALID`, also as a question: no engine would give it back.
 */
export type SqlValue = string | number | null | Uint8Array

/** What may stand in a template: a value, a list (`in ${many(digests)}`), or a piece of the engine's own words. */
export type SqlPart = SqlValue | Many | Fragment

/** A list in brackets: `(?, ?, ?)`. It must not be empty, nor have more than 30,000 values. */
export class Many {
  readonly values: readonly SqlValue[]
  constructor(values: readonly SqlValue[]) {
    if (values.length === 0) throw new TypeError('many() needs at least one value: "in ()" is not SQL')
    this.values = values
  }
}

export function many(values: readonly SqlValue[]): Many {
  return new Many(values)
}

/** Words that the engines spell differently; each backend knows its own spelling. */
export class Fragment {
  readonly name: 'skip-locked'
  constructor(name: 'skip-locked') {
    this.name = name
  }
}

/** Ends a `select` whose rows are claimed: rows that another transaction holds are passed over. */
export const skipLocked = new Fragment('skip-locked')

/** A row as it comes back: integers up to 2^53 as numbers, bytes as `Uint8Array`, texts as strings. */
export type Row = Record<string, SqlValue>

/**
 * Questions to the database, as tagged templates: every `${value}` becomes a parameter, never text.
 *
 * One text serves both engines: lower-case standard SQL, `on conflict`, `returning`, no engine's own functions. Sums
 * are cast, `cast(sum(size) as bigint)`, or one engine answers them as text.
 *
 * @throws RegistryError `UNAVAILABLE` when the database cannot be reached
 */
export interface Reader {
  all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]>
  /** The first row, or null. */
  first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null>
}

/**
 * A reader that also writes: everything done through it happens, or nothing of it.
 *
 * A failed statement fails the whole, also when its error is caught: ask before, or use `on conflict`. After the end of
 * its work a transaction takes no statement.
 */
export interface Transaction extends Reader {
  /** Runs a statement; answers how many rows it changed. */
  run(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<number>
}

/** The database, whichever engine is behind it. */
export interface Database extends Reader {
  /**
   * Runs `work` in one transaction: committed durably when the promise resolves, rolled back when `work` throws.
   *
   * `work` may run again from its beginning when the engine breaks a deadlock, so it must have no effect outside
   * the database. Reads see the transaction's own writes. A row that was updated stays locked until the end, which
   * is how two transactions agree on an order: update first, then decide. Inside `work` no other transaction may be
   * opened; it would wait for this one.
   *
   * @throws RegistryError `UNAVAILABLE` when the database cannot be reached or stays locked, `STORAGE_FULL` when
   *   there is no room, `CONFLICT` when a row breaks a unique or a foreign key; what `work` throws comes through as it is
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Resolves when the database answers. @throws RegistryError `UNAVAILABLE` */
  ping(): Promise<void>
  /** Lets what is under way finish, then frees everything. */
  close(): Promise<void>
}
