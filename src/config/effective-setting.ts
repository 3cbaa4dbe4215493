import { redactUrl } from '../core/redact-url.ts'
import type { Setting } from './settings.ts'

/** A setting as it is in force. */
export interface EffectiveSetting {
  readonly name: string
  readonly variable: string
  /** As it would be written in a variable; `***` for a secret, empty when not set. */
  readonly value: string
  /** `default`, or the file or variable it was read from. */
  readonly from: string
}

/** A value as people may see it. */
export function showValue(setting: Setting | undefined, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (setting?.isSecret) return '***'
  if (typeof value === 'string') return setting?.name === 'database' ? hideUser(value) : redactUrl(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.map(redactUrl).join(',')
  return redactUrl(JSON.stringify(value) ?? String(value))
}

/** Also where the address is too broken to be seen as one: what stands before the last `@` may be a password. */
function hideUser(address: string): string {
  return redactUrl(address.replace(/:.*@/s, '://***@'))
}
