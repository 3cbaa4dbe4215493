import { RegistryError } from './errors.ts'

/** A request for part of an ordered list: what comes after a key, so that every page costs the same. */
export interface PageRequest {
  /** Most items wanted, 0 or more. */
  readonly limit: number
  /** The last key of the page before; absent at the beginning. It need not exist any more. */
  readonly after?: string
}

/** Part of an ordered list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** The key to ask on from; absent on the last page. */
  readonly next?: string
}

/** Cuts the one row too many that tells whether there is a next page. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const last = rows[limit - 1]
  if (rows.length <= limit || last === undefined) return { items: rows.slice(0, limit) }
  return { items: rows.slice(0, limit), next: keyOf(last) }
}

/** Reads `n` of `?n=` (distribution-spec 1.1, "Content discovery"): absent means `fallback`, more than `max` means `max`. */
export function parseLimit(text: string | null, fallback: number, max: number): number {
  if (text === null) return fallback
  if (!/^\d{1,9}$/.test(text)) throw new RegistryError('PAGINATION_NUMBER_INVALID', { n: text.slice(0, 50) })
  return Math.min(Number(text), max)
}
