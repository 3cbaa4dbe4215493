import { configJsonSchema } from './config-json-schema.ts'
import { showValue } from './effective-setting.ts'
import { SETTINGS } from './settings.ts'

/** The table of every setting in `docs/configuration.md`, made from the schema so that it cannot be wrong. */
export function configReference(): string {
  const rows = SETTINGS.map((setting) => {
    const shown = showValue(setting, setting.fallback)
    const fallback = shown === '' ? '' : `\`${shown}\``
    return `| \`${setting.name}\` | \`${setting.variable}\` | ${fallback} | ${descriptionOf(setting.name)} |`
  })
  return ['| setting | variable | default | what it is |', '|---|---|---|---|', ...rows].join('\n')
}

function descriptionOf(name: string): string {
  let schema: unknown = configJsonSchema()
  for (const key of name.split('.')) schema = memberOf(memberOf(schema, 'properties'), key)
  return String(memberOf(schema, 'description') ?? '').replaceAll('|', '\\|')
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined
}
