import { describe, expect, it } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from './load-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-config-'))

describe('loadConfig', () => {
  it('reads the named file before the one of SEAWALL_CONFIG, and a secret from its own', async () => {
    await Bun.write(join(folder, 'a.yaml'), `data: a\nadmin:\n  passwordFile: ${join(folder, 'password')}\n`)
    await Bun.write(join(folder, 'b.yaml'), 'data: b\n')
    await Bun.write(join(folder, 'password'), 'correct horse\n')
    const env = { SEAWALL_CONFIG: join(folder, 'b.yaml') }
    expect(loadConfig(undefined, env).data).toBe('b')
    const config = loadConfig(join(folder, 'a.yaml'), env)
    expect(config.data).toBe('a')
    expect(config.adminPassword?.reveal()).toBe('correct horse')
  })

  it('says which file it cannot read', () => {
    expect(() => loadConfig(join(folder, 'none.yaml'), {})).toThrow(/--config = .*none\.yaml: the file cannot be read/)
    expect(() => loadConfig(undefined, { SEAWALL_CONFIG: folder })).toThrow(/SEAWALL_CONFIG = .*cannot be read/)
  })
})
