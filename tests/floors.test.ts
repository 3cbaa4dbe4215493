import { describe, expect, it } from 'bun:test'
import { dirname, join, relative } from 'node:path'

/** The house: a file imports from its own room or from a lower floor. See ARCHITECTURE.md. */
const FLOORS: Record<string, number> = {
  'src/main.ts': 8,
  'src/app.ts': 8,
  'src/commands': 8,
  cli: 8,
  web: 8,
  'src/http': 7,
  'src/scanner': 6,
  'src/advisor': 6,
  'src/maintenance': 6,
  'src/formats': 5,
  'src/repositories': 4,
  'src/catalog': 3,
  'src/auth': 3,
  'src/audit': 3,
  'src/jobs': 3,
  'src/storage': 2,
  'src/outbound': 2,
  'src/policy': 2,
  'src/config': 2,
  'src/telemetry': 2,
  'src/core': 1,
  'src/api': 1,
}

const SEES_ONLY: Record<string, readonly string[]> = {
  'src/formats': ['src/formats', 'src/core', 'src/repositories'],
  cli: ['cli', 'src/api'],
  web: ['web', 'src/api'],
}

/** Longest that a source file may be; talk about it long before. */
const MAX_LINES = 400

const root = join(import.meta.dir, '..')

function roomOf(file: string): string {
  const parts = file.split('/')
  return parts[0] === 'src' ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

async function sources(): Promise<string[]> {
  const files = [...new Bun.Glob('{src,cli,web}/**/*.{ts,tsx}').scanSync(root)]
  return files.filter((file) => !file.includes('.test.') && !file.includes('.contract.')).sort()
}

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(join(root, file)).text()
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)
  return [...found].map((match) => relative(root, join(root, dirname(file), match[1] ?? '')))
}

describe('the house', () => {
  it('has a floor for every room', async () => {
    const rooms = new Set((await sources()).filter((file) => file.startsWith('src/')).map(roomOf))
    expect([...rooms].filter((room) => FLOORS[room] === undefined)).toEqual([])
  })

  it('imports only from the same room or a lower floor', async () => {
    const wrong: string[] = []
    for (const file of await sources()) {
      const room = roomOf(file)
      const own = FLOORS[room]
      if (own === undefined) continue
      for (const target of await importsOf(file)) {
        const other = roomOf(target)
        const floor = FLOORS[other]
        if (target === 'package.json') continue // for the version
        if (floor === undefined || (other !== room && floor >= own && own !== 8)) wrong.push(`${file} -> ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('lets formats, cli and web see only what they may', async () => {
    const wrong: string[] = []
    for (const file of await sources()) {
      const allowed = SEES_ONLY[roomOf(file)]
      if (!allowed) continue
      for (const target of await importsOf(file))
        if (!allowed.includes(roomOf(target))) wrong.push(`${file} -> ${target}`)
    }
    expect(wrong).toEqual([])
  })

  it('names the database engines only where they are chosen', async () => {
    const wrong: string[] = []
    for (const file of await sources()) {
      // the scanner speaks of other people's software, some of which is named after these engines
      if (/^src\/(storage|config|scanner\/(?:inventory|matching))\/|^src\/app\.ts$/.test(file)) continue
      if (/sqlite|postgres/i.test(await Bun.file(join(root, file)).text())) wrong.push(file)
    }
    expect(wrong).toEqual([])
  })

  it('keeps core free of input and output', async () => {
    const wrong: string[] = []
    for (const file of await sources()) {
      if (!file.startsWith('src/core/')) continue
      if (/'node:|Bun\.(?!CryptoHasher)|\bfetch\(/.test(await Bun.file(join(root, file)).text())) wrong.push(file)
    }
    expect(wrong).toEqual([])
  })

  it('keeps every file within its length', async () => {
    const wrong: string[] = []
    for (const file of new Bun.Glob('{src,cli,web,tests,scripts,bench}/**/*.{ts,tsx,mjs}').scanSync(root)) {
      const lines = (await Bun.file(join(root, file)).text()).split('\n').length - 1
      if (lines > MAX_LINES) wrong.push(`${file}: ${lines} lines`)
    }
    expect(wrong.sort()).toEqual([])
  })
})
