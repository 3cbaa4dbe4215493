import { expect, it } from 'bun:test'
import { join } from 'node:path'
import { configJsonSchema } from './config-json-schema.ts'
import { SETTINGS } from './settings.ts'

it('publishes a JSON Schema that is current; "bun scripts/config-schema.ts" writes it anew', async () => {
  const file = Bun.file(join(import.meta.dir, '../../docs/config.schema.json'))
  expect(await file.json()).toEqual(JSON.parse(JSON.stringify(configJsonSchema())))
})

it('gives every setting a variable of its own', () => {
  const variables = SETTINGS.map(({ variable }) => variable)
  expect(new Set(variables).size).toBe(variables.length)
  expect(variables).toContain('SEAWALL_S3_ACCESS_KEY')
  expect(variables).toContain('SEAWALL_ADMIN_PASSWORD_FILE')
  expect(variables).toContain('SEAWALL_LIMITS_MANIFEST_MAX_BYTES')
})
