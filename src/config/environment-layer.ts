import { redactUrl } from '../core/redact-url.ts'
import type { ConfigMistake } from './config-error.ts'
import type { SettingLayer } from './setting-layer.ts'
import { SETTINGS, type Setting } from './settings.ts'
import { suggestion } from './suggestion.ts'

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Ours, but no settings of the server: the file itself, and what the command line reads. */
const OTHER_VARIABLES = ['SEAWALL_CONFIG', 'SEAWALL_SERVER', 'SEAWALL_TOKEN'] as const

/** Names that people set out of habit and that would otherwise do nothing. */
const SURPRISES: Readonly<Record<string, string>> = {
  PORT: 'SEAWALL_LISTEN=127.0.0.1:<port>',
  HOST: 'SEAWALL_LISTEN=<host>:5000',
  LISTEN: 'SEAWALL_LISTEN',
  DATABASE_URL: 'SEAWALL_DATABASE',
  POSTGRES_URL: 'SEAWALL_DATABASE',
  SEAWALL_PORT: 'SEAWALL_LISTEN=127.0.0.1:<port>',
  SEAWALL_HOST: 'SEAWALL_LISTEN=<host>:5000',
  SEAWALL_DATABASE_URL: 'SEAWALL_DATABASE',
  SEAWALL_URL: 'SEAWALL_EXTERNAL_URL',
  SEAWALL_LOG: 'SEAWALL_LOG_LEVEL',
  REGISTRY_HTTP_ADDR: 'SEAWALL_LISTEN',
  REGISTRY_HTTP_HOST: 'SEAWALL_EXTERNAL_URL',
  REGISTRY_HTTP_TLS_CERTIFICATE: 'SEAWALL_TLS_CERTIFICATE',
  REGISTRY_HTTP_TLS_KEY: 'SEAWALL_TLS_KEY',
  REGISTRY_STORAGE: 'SEAWALL_STORE',
  REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: 'SEAWALL_STORE=disk:<path>',
}

/** Reads the settings of the environment, without judging their values. An empty variable is one that is not set. */
export function environmentLayer(env: Environment): SettingLayer {
  const layer: SettingLayer = { values: new Map(), mistakes: [] }
  const settings = new Map(SETTINGS.map((setting) => [setting.variable, setting]))
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || text === '' || isServiceLink(variable, text)) continue
    const setting = settings.get(variable)
    if (setting) layer.values.set(setting.name, { value: convert(setting, text), shownName: variable, from: variable })
    else layer.mistakes.push(...foreign(variable, text, settings.keys()))
  }
  return layer
}

function foreign(variable: string, text: string, known: Iterable<string>): ConfigMistake[] {
  const meant = Object.hasOwn(SURPRISES, variable) ? SURPRISES[variable] : undefined
  if (meant !== undefined) {
    return [
      { name: variable, value: redactUrl(text), problem: `is not read; set ${meant} instead, and unset this one` },
    ]
  }
  if (!variable.startsWith('SEAWALL_') || OTHER_VARIABLES.some((other) => other === variable)) return []
  // The value stays unseen: it may be a secret whose name was mistyped.
  return [{ name: variable, problem: `unknown variable${suggestion(variable, [...known, ...OTHER_VARIABLES])}` }]
}

/**
 * Kubernetes gives every container variables for the services beside it, so a service named `seawall` makes
 * `SEAWALL_PORT=tcp://10.0.0.1:5000` and more: those are not the operator's words.
 */
function isServiceLink(variable: string, text: string): boolean {
  return (
    /^SEAWALL_(?:\w+_)?SERVICE_(?:HOST|PORT(?:_\w+)?)$/.test(variable) ||
    /^SEAWALL_(?:\w+_)?PORT_\d+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)$/.test(variable) ||
    (/^SEAWALL_(?:\w+_)?PORT(?:_\d+_(?:TCP|UDP|SCTP))?$/.test(variable) && /^(?:tcp|udp|sctp):\/\//.test(text))
  )
}

/** Texts that do not fit stay texts, for the schema to refuse. */
function convert({ kind }: Setting, text: string): unknown {
  const trimmed = text.trim()
  if (kind === 'number') return /^-?\d{1,16}$/.test(trimmed) ? Number(trimmed) : text
  if (kind === 'flag') return trimmed === 'true' ? true : trimmed === 'false' ? false : text
  if (kind !== 'list') return text
  return trimmed
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
