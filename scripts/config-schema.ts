// Writes docs/config.schema.json and the table of docs/configuration.md anew;
// `src/config/config-json-schema.test.ts` tells when that is due.
import { configJsonSchema } from '../src/config/config-json-schema.ts'
import { configReference } from '../src/config/config-reference.ts'

const page = Bun.file('docs/configuration.md')
const words = (await page.text()).replace(/^\| setting [\s\S]*?\n(?=\n|$)/m, () => `${configReference()}\n`)
await Bun.write(page, words)
await Bun.write('docs/config.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
await Bun.$`npx biome format --write docs/configuration.md docs/config.schema.json`.quiet()
