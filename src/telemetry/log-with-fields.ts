import type { Log, LogFields } from '../core/log.ts'

/** The same log with fields that stand in every line, such as a request's id; a line's own fields win. */
export function logWithFields(log: Log, fields: LogFields): Log {
  return {
    debug: (event, own) => log.debug(event, { ...fields, ...own }),
    info: (event, own) => log.info(event, { ...fields, ...own }),
    warn: (event, own) => log.warn(event, { ...fields, ...own }),
    error: (event, error, own) => log.error(event, error, { ...fields, ...own }),
  }
}
