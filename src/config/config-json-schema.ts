import { z } from 'zod'
import { settingsSchema } from './settings-schema.ts'

/** The JSON Schema of the configuration file, for editors; kept in `docs/config.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(settingsSchema, { io: 'input' }), title: "Seawall's configuration" }
}
