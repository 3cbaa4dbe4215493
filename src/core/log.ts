/** Facts of a log line: short values, never secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Where the program says what it does. One event is one line of JSON. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  /** `error` is written with its stack and causes: it is a bug or a fault of the environment, not of a client. */
  error(event: string, error: unknown, fields?: LogFields): void
}

/** Says nothing: for tests and for commands that own the terminal. */
export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
