import type { LogFields } from '../core/log.ts'
import type { ErrorDescription } from './describe-error.ts'
import { isSecretKey, redactText } from './redact-fields.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One thing that happened. */
export interface LogEntry {
  readonly time: Date
  readonly level: LogLevel
  readonly event: string
  readonly fields?: LogFields | undefined
  readonly error?: ErrorDescription
}

/** Writes an entry as one line, its line break included. */
export type LogFormat = (entry: LogEntry) => string

/** One JSON object: `time`, `level`, `event`, then the fields. A field cannot take the place of those three. */
export function jsonLine({ time, level, event, fields, error }: LogEntry): string {
  let line = `{"time":"${time.toISOString()}","level":"${level}","event":${JSON.stringify(event)}`
  for (const [key, value] of shown(fields)) {
    if (key === 'time' || key === 'level' || key === 'event') continue
    line += `,${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  if (error) line += `,"error":${JSON.stringify(error)}`
  return `${line}}\n`
}

/** For a person at a terminal: `10:20:30.400 INFO  listening  address=127.0.0.1:5000`. */
export function textLine({ time, level, event, fields, error }: LogEntry): string {
  let line = `${time.toISOString().slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${bare(event)}`
  for (const [key, value] of shown(fields)) line += `  ${bare(key)}=${bare(value)}`
  return error ? `${line}\n${errorText(error, '  ')}` : `${line}\n`
}

function* shown(fields: LogFields | undefined): Generator<[string, string | number | boolean | null]> {
  for (const [key, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue
    if (isSecretKey(key)) yield [key, '***']
    else yield [key, typeof value === 'string' ? redactText(value) : value]
  }
}

/** Quoted when it holds a space, a quote or a control character, so that no client can write lines or colours of its own. */
function bare(value: string | number | boolean | null): string {
  const text = String(value)
  return /^[\x21\x23-\x7e\u00a1-\u1fff]+$/.test(text) ? text : JSON.stringify(text).replaceAll(/[\x7f-\x9f]/g, '?')
}

function errorText(error: ErrorDescription, indent: string): string {
  const text = error.stack?.includes(error.message) ? error.stack : `${error.name}: ${error.message}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an error may quote what a client sent
  const safe = text.replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?')
  const own = `${indent}${safe.replaceAll('\n', `\n${indent}`)}\n`
  const cause = error.cause ? `${indent}caused by\n${errorText(error.cause, `${indent}  `)}` : ''
  return own + cause + (error.errors ?? []).map((part) => errorText(part, `${indent}  `)).join('')
}
