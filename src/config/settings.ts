import { z } from 'zod'
import { settingsSchema } from './settings-schema.ts'

/** What a variable's text is turned into before the schema sees it. */
export type SettingKind = 'text' | 'number' | 'flag' | 'list'

/** One setting, as a person names it. */
export interface Setting {
  /** Its path in the file: `limits.manifestMaxBytes`. */
  readonly name: string
  /** The same in the environment: `SEAWALL_LIMITS_MANIFEST_MAX_BYTES`. */
  readonly variable: string
  readonly kind: SettingKind
  /** Never shown; a name ending in `File` gives the file to read it from. */
  readonly isSecret: boolean
  /** In force when nothing is set; undefined when there is none or it depends on another setting. */
  readonly fallback: unknown
}

/** Settings whose value is never printed. `database` is another case: its address is, without user and password. */
const SECRETS: readonly string[] = ['admin.password', 's3.accessKey', 's3.secretKey']

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = leaves('', settingsSchema)

/** Every section of the file that holds settings: `limits`, `scan`, ... */
export const SECTIONS: ReadonlySet<string> = new Set(
  SETTINGS.filter(({ name }) => name.includes('.')).map(({ name }) => name.slice(0, name.indexOf('.'))),
)

/** `limits.manifestMaxBytes` becomes `SEAWALL_LIMITS_MANIFEST_MAX_BYTES`. */
function variableOf(name: string): string {
  const words = name.replaceAll('.', '_').replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
  return `SEAWALL_${words.toUpperCase()}`
}

function leaves(parent: string, object: z.ZodObject): Setting[] {
  return Object.entries(object.shape).flatMap(([key, schema]) => {
    const name = parent === '' ? key : `${parent}.${key}`
    const inner = unwrap(schema)
    if (inner instanceof z.ZodObject) return leaves(name, inner)
    return [
      {
        name,
        variable: variableOf(name),
        kind: kindOf(inner),
        isSecret: SECRETS.includes(name),
        fallback: fallbackOf(schema),
      },
    ]
  })
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap())
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema
}

function fallbackOf(schema: unknown): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined
}

function kindOf(schema: unknown): SettingKind {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'flag'
  return schema instanceof z.ZodArray ? 'list' : 'text'
}
