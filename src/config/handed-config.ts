import { readFileSync } from 'node:fs'
import type { Config } from './config.ts'
import type { Environment } from './environment-layer.ts'
import type { ConfigFile } from './file-layer.ts'
import { readConfigFile } from './load-config.ts'
import { parseConfig } from './parse-config.ts'

/**
 * What a configuration was read from, besides the environment, as plain data: so that a process that is started later,
 * when a file may have changed, has the same configuration as the others.
 */
export interface HandedConfig {
  readonly file: ConfigFile | null
  /** The texts of the files that settings such as `admin.passwordFile` name, by their paths. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Reads the configuration of this process as `loadConfig` does, to be handed on. @throws ConfigError */
export function loadHandedConfig(path?: string, env: Environment = process.env): [Config, HandedConfig] {
  const file = readConfigFile(path, env) ?? null
  const secrets: Record<string, string> = {}
  const readSecret = (name: string): string => {
    const text = readFileSync(name, 'utf8')
    secrets[name] = text
    return text
  }
  return [parseConfig({ env, ...(file && { file }), readSecret }), { file, secrets }]
}

/** The configuration of a process that was started with what another one has read. @throws ConfigError */
export function takeConfig({ file, secrets }: HandedConfig, env: Environment = process.env): Config {
  const readSecret = (name: string): string => {
    const text = secrets[name]
    if (text === undefined) throw new Error('was not handed on')
    return text
  }
  return parseConfig({ env, ...(file && { file }), readSecret })
}
