import { parseByteSize } from './byte-size.ts'
import { UsageError } from './usage-error.ts'

/** Reads a whole number, 0 or more. @throws UsageError */
export function parseWhole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`"${text}" is no whole number`)
}

/** The same, or `never`. @throws UsageError */
export function parseDaysOrNever(text: string): number | 'never' {
  return text === 'never' ? text : parseWhole(text)
}

/** Reads patterns with commas between them; `none` is no pattern. */
export function parsePatterns(text: string): string[] {
  if (text === 'none') return []
  return text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
}

/** Reads a size, or `none`, which takes the limit away. @throws UsageError */
export function parseQuota(text: string): number | 'none' {
  return text === 'none' ? text : parseByteSize(text)
}
