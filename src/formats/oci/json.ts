import { RegistryError } from '../../core/errors.ts'

/** A JSON object whose fields nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws RegistryError `MANIFEST_INVALID` when the bytes are not UTF-8, not JSON, or not an object */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parse(bytes)
  if (isObject(value)) return value
  throw new RegistryError('MANIFEST_INVALID', undefined, { message: 'manifest invalid: it must be a JSON object' })
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a text can be kept and compared anywhere: no half of a surrogate pair, no NUL. */
export function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
}

/** @throws RegistryError `MANIFEST_INVALID` when it is there and not a text */
export function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (isPlainText(value)) return value
  throw new RegistryError('MANIFEST_INVALID', undefined, { message: `manifest invalid: "${where}" must be a text` })
}

/** @throws RegistryError `MANIFEST_INVALID` when it is there and not an object */
export function optionalObject(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined
  if (isObject(value)) return value
  throw new RegistryError('MANIFEST_INVALID', undefined, { message: `manifest invalid: "${where}" must be an object` })
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes))
  } catch (cause) {
    throw new RegistryError('MANIFEST_INVALID', undefined, { message: 'manifest invalid: it is not JSON', cause })
  }
}
