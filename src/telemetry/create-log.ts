import type { Log, LogFields } from '../core/log.ts'
import { describeError } from './describe-error.ts'
import { type LineTarget, LineWriter } from './line-writer.ts'
import { jsonLine, type LogLevel, textLine } from './log-line.ts'

/** What a log is made of. */
export interface LogOptions {
  readonly level: LogLevel
  /** `auto` is text on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text'
  /** Standard error by default, so that a command's own output stays clean. */
  readonly target?: LineTarget & { readonly isTTY?: boolean }
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** The program's log: one line an event, nothing below `level`, no credentials. */
export function createLog({ level, format, target = process.stderr }: LogOptions): Log {
  const writer = new LineWriter(target)
  const formatLine = format === 'text' || (format === 'auto' && target.isTTY) ? textLine : jsonLine
  const least = LEVELS.indexOf(level)

  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) < least) return () => {}
    return (event: string, fields?: LogFields) => {
      writer.write(formatLine({ time: new Date(), level: own, event, fields }))
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error(event, error, fields) {
      writer.write(formatLine({ time: new Date(), level: 'error', event, fields, error: describeError(error) }))
      writer.flush()
    },
  }
}
