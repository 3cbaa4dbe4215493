import { readFileSync } from 'node:fs'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment-layer.ts'
import type { ConfigFile } from './file-layer.ts'
import { parseConfig } from './parse-config.ts'

/** Taken when it is there and no other file is named. */
const USUAL_FILE = './seawall.yaml'

/**
 * Reads the configuration of this process: the file of `--config`, else of `SEAWALL_CONFIG`, else `./seawall.yaml` when
 * it is there; then the environment, which wins.
 *
 * @throws ConfigError with every mistake at once
 */
export function loadConfig(path?: string, env: Environment = process.env): Config {
  const file = readConfigFile(path, env)
  return parseConfig({ env, ...(file && { file }), readSecret: (name) => readFileSync(name, 'utf8') })
}

/** The configuration file that is named, or the usual one when it is there. @throws ConfigError */
export function readConfigFile(path: string | undefined, env: Environment): ConfigFile | undefined {
  const named = path ?? (env.SEAWALL_CONFIG || undefined)
  try {
    return { name: named ?? USUAL_FILE, text: readFileSync(named ?? USUAL_FILE, 'utf8') }
  } catch (error) {
    if (named === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const name = path === undefined && named !== undefined ? 'SEAWALL_CONFIG' : '--config'
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([{ name, value: named ?? USUAL_FILE, problem: `the file cannot be read: ${reason}` }])
  }
}
