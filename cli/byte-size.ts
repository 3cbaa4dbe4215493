import { UsageError } from './usage-error.ts'

/** By a thousand, as disks are sold, or by 1024 with an "i". */
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/** Reads `20GB`, `1.5TiB` or a plain number of bytes. @throws UsageError */
export function parseByteSize(text: string): number {
  const [, number = '', unit = 'b'] = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]{1,3})?$/i.exec(text.trim()) ?? []
  const factor = UNITS[unit.toLowerCase()]
  const bytes = Math.round(Number(number) * (factor ?? Number.NaN))
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(`"${text}" is no size: write it as 20GB, 1.5TiB or 1000000`)
}

/** A number of bytes as people read it: in the largest unit by a thousand that leaves something before the point. */
export function formatBytes(bytes: number): string {
  const unit = (['TB', 'GB', 'MB', 'kB'] as const).find((each) => bytes >= (UNITS[each.toLowerCase()] ?? 1))
  if (!unit) return `${bytes} bytes`
  return `${(bytes / (UNITS[unit.toLowerCase()] ?? 1)).toFixed(1)} ${unit}`
}
