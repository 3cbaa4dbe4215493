import { RegistryError } from '../core/errors.ts'
import { type Fragment, Many, type SqlPart, type SqlValue } from './database.ts'

/** How an engine writes what stands in the holes of a template. */
export interface SqlSpelling {
  /** The `position`-th parameter, counted from 1. */
  parameter(position: number, value: SqlValue): string
  fragment(name: Fragment['name']): string
}

/** A statement as an engine takes it. */
export interface SqlStatement {
  readonly text: string
  readonly values: SqlValue[]
}

const AFTER_IN = /\bin\s*$/i

/** Turns a template into an engine's text and its parameters. No value ever becomes text. */
export function sqlStatement(
  spelling: SqlSpelling,
  strings: readonly string[],
  parts: readonly SqlPart[],
): SqlStatement {
  const values: SqlValue[] = []
  const parameter = (value: SqlValue): string => {
    // a null is a word: as a parameter it would have no type, and `null is null` cannot be asked of one
    if (value === null) return 'null'
    values.push(checkedValue(value))
    return spelling.parameter(values.length, value)
  }
  let text = strings[0] ?? ''
  parts.forEach((part, index) => {
    if (part instanceof Many) text += `(${listed(part, text).map(parameter).join(', ')})`
    else if (isValue(part)) text += parameter(part)
    else text += spelling.fragment(part.name)
    text += strings[index + 1] ?? ''
  })
  return { text, values }
}

export function isValue(part: SqlPart): part is SqlValue {
  return typeof part !== 'object' || part === null || part instanceof Uint8Array
}

/**
 * Lets through what both engines keep exactly.
 *
 * One of them has no NUL in texts and no fractions in its integers, and neither keeps half of a surrogate pair: two
 * texts that differ only there would become the same key.
 *
 * @throws RegistryError `INVALID` for such a text: it came from outside
 */
export function checkedValue(value: SqlValue): SqlValue {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return value
    throw new RegistryError('INVALID', undefined, { message: 'a text holds a NUL or half of a character' })
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new TypeError(`${value} is not a whole number within 2^53`)
  }
  return value
}

/** After `in` a list is filled up to the next power of two, so that a template has few texts to prepare. */
function listed({ values }: Many, before: string): readonly SqlValue[] {
  const last = values[values.length - 1]
  if (last === undefined || !AFTER_IN.test(before)) return values
  const missing = 2 ** Math.ceil(Math.log2(values.length)) - values.length
  return values.length + missing > MAX_FILLED ? values : [...values, ...Array<SqlValue>(missing).fill(last)]
}

/** Longer lists are rare, and filling them would pass the engines' limits (32,766 and 65,535 parameters). */
const MAX_FILLED = 4096
