import type { Config, StoreConfig } from './config.ts'
import { ConfigError } from './config-error.ts'
import { type EffectiveSetting, showValue } from './effective-setting.ts'
import { type Environment, environmentLayer } from './environment-layer.ts'
import { type ConfigFile, fileLayer } from './file-layer.ts'
import { Secret } from './secret.ts'
import { readSecretFiles } from './secret-files.ts'
import type { WrittenValue } from './setting-layer.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { settingsMistakes } from './settings-mistakes.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'

/** What a configuration is made of. */
export interface ConfigSources {
  readonly env: Environment
  readonly file?: ConfigFile
  /** Gives the text of a file that a setting such as `admin.passwordFile` names; throws when it cannot. */
  readonly readSecret?: (path: string) => string
}

/**
 * Makes the configuration from one file and the environment, which wins.
 *
 * @throws ConfigError with every mistake at once
 */
export function parseConfig({ env, file, readSecret = refuseToRead }: ConfigSources): Config {
  const layers = [...(file ? [fileLayer(file)] : []), environmentLayer(env)]
  const mistakes = layers.flatMap((layer) => layer.mistakes)
  const written = readSecretFiles(layers, readSecret, mistakes)

  const checked = settingsSchema.safeParse(nest(written))
  mistakes.push(...settingsMistakes(written, checked.error?.issues ?? []))
  if (!checked.success || mistakes.length > 0) throw new ConfigError(mistakes)
  return { ...resolve(checked.data), effective: SETTINGS.map((setting) => effective(setting, written)) }
}

/** `a.b` as `{ a: { b } }`. */
function nest(written: ReadonlyMap<string, WrittenValue>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  const sections = new Map<string, Record<string, unknown>>()
  for (const [name, { value }] of written) {
    const [section = '', key] = name.split('.')
    if (key === undefined) {
      root[section] = value
      continue
    }
    const object = sections.get(section) ?? {}
    object[key] = value
    sections.set(section, object)
    root[section] = object
  }
  return root
}

function resolve(settings: Settings): Omit<Config, 'effective'> {
  const { certificate, key } = settings.tls
  const { password } = settings.admin
  return {
    listen: settings.listen,
    processes: settings.processes,
    externalUrl: settings.externalUrl ?? null,
    tls: certificate !== undefined && key !== undefined ? { certificate, key } : null,
    trustedProxies: settings.trustedProxies,
    data: settings.data,
    database: settings.database ?? { kind: 'sqlite', path: defaultDatabase(settings.data) },
    store: resolveStore(settings),
    adminPassword: password === undefined ? null : new Secret(password),
    limits: settings.limits,
    scan: settings.scan,
    advisories: settings.advisories,
    collection: settings.collection,
    upkeep: settings.upkeep,
    tokens: settings.tokens,
    repositories: settings.repositories,
    log: settings.log,
    shutdown: settings.shutdown,
    metrics: settings.metrics,
  }
}

function resolveStore({ store, s3, data }: Settings): StoreConfig {
  if (store === undefined) return { kind: 'disk', path: defaultStore(data) }
  if (store.kind === 'disk') return store
  // Both keys are there: `settingsMistakes` refuses a bucket without them.
  return { ...store, accessKey: new Secret(s3.accessKey ?? ''), secretKey: new Secret(s3.secretKey ?? '') }
}

function effective(setting: Setting, written: ReadonlyMap<string, WrittenValue>): EffectiveSetting {
  const { name, variable, fallback } = setting
  const value = written.get(name)
  const from = value?.from ?? 'default'
  const shown = showValue(setting, value ? value.value : (fallback ?? derived(name, written)))
  return { name, variable, value: shown, from }
}

/** Defaults that follow from another setting. */
function derived(name: string, written: ReadonlyMap<string, WrittenValue>): string | undefined {
  const data = String(written.get('data')?.value ?? './data')
  if (name === 'database') return `sqlite:${defaultDatabase(data)}`
  return name === 'store' ? `disk:${defaultStore(data)}` : undefined
}

function defaultDatabase(data: string): string {
  return `${data}/seawall.db`
}

function defaultStore(data: string): string {
  return `${data}/blobs`
}

function refuseToRead(): string {
  throw new Error('no file can be read here')
}
