// Writes docs/config.schema.json anew; `src/config/config-json-schema.test.ts` tells when that is due.
import { configJsonSchema } from '../src/config/config-json-schema.ts'

await Bun.write('docs/config.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
