import { expect, it } from 'bun:test'
import { join } from 'node:path'
import { parse } from 'yaml'
import { configJsonSchema } from './config-json-schema.ts'
import { configReference } from './config-reference.ts'
import { parseConfig } from './parse-config.ts'
import { SETTINGS } from './settings.ts'

const docs = join(import.meta.dir, '../../docs')

/** The formatter aligns tables. */
function unaligned(text: string): string {
  return text.replaceAll(/-{3,}/g, '---').replaceAll(/ *\| */g, '|')
}

it('publishes a JSON Schema and a table that are current; "bun scripts/config-schema.ts" writes them anew', async () => {
  expect(await Bun.file(join(docs, 'config.schema.json')).json()).toEqual(
    JSON.parse(JSON.stringify(configJsonSchema())),
  )
  const page = await Bun.file(join(docs, 'configuration.md')).text()
  expect(unaligned(page)).toContain(unaligned(configReference()))
})

it('shows an example that works', async () => {
  const page = await Bun.file(join(docs, 'configuration.md')).text()
  const text = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  expect(Object.keys(parse(text))).toContain('listen')
  expect(parseConfig({ env: {}, file: { name: 'example', text }, readSecret: () => 'key' }).store.kind).toBe('s3')
})

it('gives every setting a variable of its own', () => {
  const variables = SETTINGS.map(({ variable }) => variable)
  expect(new Set(variables).size).toBe(variables.length)
  expect(variables).toContain('SEAWALL_S3_ACCESS_KEY')
  expect(variables).toContain('SEAWALL_ADMIN_PASSWORD_FILE')
  expect(variables).toContain('SEAWALL_LIMITS_MANIFEST_MAX_BYTES')
})
