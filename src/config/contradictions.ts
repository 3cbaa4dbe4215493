import type { ConfigMistake } from './config-error.ts'
import { showValue } from './effective-setting.ts'
import type { WrittenValue } from './setting-layer.ts'
import { SETTINGS } from './settings.ts'

type Written = ReadonlyMap<string, WrittenValue>
type Rule = (written: Written) => ConfigMistake[]

/** Rules between settings. They look at what was written, so that they are told together with what is wrong by itself. */
const RULES: readonly Rule[] = [
  certificateAndKey,
  noHttpsOnSocketFiles,
  socketFilesForOneProcess,
  sharedBytesNeedSharedDatabase,
  bucketsNeedKeys,
  waitsEndBeforeConnections,
  pagesWithinBounds,
]

/** Values that are good alone and not together. */
export function contradictions(written: Written): ConfigMistake[] {
  return RULES.flatMap((rule) => rule(written))
}

function certificateAndKey(written: Written): ConfigMistake[] {
  if (written.has('tls.certificate') === written.has('tls.key')) return []
  const [there, missing] = written.has('tls.key') ? ['tls.key', 'tls.certificate'] : ['tls.certificate', 'tls.key']
  return [about(written, there, `needs ${variableOf(missing)} beside it`)]
}

function noHttpsOnSocketFiles(written: Written): ConfigMistake[] {
  if (!textOf(written, 'listen').startsWith('unix:') || !written.has('tls.certificate')) return []
  return [
    about(written, 'listen', 'a socket file is not served by HTTPS; leave the certificate to the proxy before it'),
  ]
}

function socketFilesForOneProcess(written: Written): ConfigMistake[] {
  if (!textOf(written, 'listen').startsWith('unix:') || !(numberOf(written, 'processes') > 1)) return []
  return [about(written, 'processes', 'several processes can share a port, but not a socket file; listen on host:port')]
}

function sharedBytesNeedSharedDatabase(written: Written): ConfigMistake[] {
  const isShared = /^postgres(?:ql)?:/.test(textOf(written, 'database'))
  // An unreadable file was told already; what it says is not known.
  if (!isBucket(written) || isShared || written.has('databaseFile')) return []
  const variable = variableOf('database')
  return [about(written, 'store', `shared bytes need a shared database; set ${variable} to a postgres:// address`)]
}

function bucketsNeedKeys(written: Written): ConfigMistake[] {
  if (!isBucket(written)) return []
  const missing = ['s3.accessKey', 's3.secretKey'].filter((key) => !written.has(key) && !written.has(`${key}File`))
  return missing.map((key) => about(written, 'store', `needs ${variableOf(key)} or ${variableOf(key)}_FILE`))
}

function waitsEndBeforeConnections(written: Written): ConfigMistake[] {
  const [wait, idle] = ['scan.pullWaitSeconds', 'limits.requestIdleSeconds'] as const
  if (!(numberOf(written, wait) >= numberOf(written, idle))) return []
  const problem =
    'a pull that waits for its scan would be cut off: requestIdleSeconds must be more than pullWaitSeconds'
  return [about(written, written.has(wait) ? wait : idle, problem)]
}

function pagesWithinBounds(written: Written): ConfigMistake[] {
  const [items, most] = ['limits.pageItems', 'limits.pageMaxItems'] as const
  if (!(numberOf(written, items) > numberOf(written, most))) return []
  return [about(written, written.has(items) ? items : most, 'pageItems must not be more than pageMaxItems')]
}

function about(written: Written, name: string, problem: string): ConfigMistake {
  const value = written.get(name)
  const setting = SETTINGS.find((each) => each.name === name)
  return { name: value?.shownName ?? name, value: showValue(setting, value?.value), problem }
}

function isBucket(written: Written): boolean {
  return textOf(written, 'store').startsWith('s3://')
}

function textOf(written: Written, name: string): string {
  return String(written.get(name)?.value ?? '')
}

/** NaN, which compares as false with everything, where something else than a number was written. */
function numberOf(written: Written, name: string): number {
  const value = written.get(name)?.value ?? SETTINGS.find((setting) => setting.name === name)?.fallback
  return typeof value === 'number' ? value : Number.NaN
}

function variableOf(name: string): string {
  return SETTINGS.find((setting) => setting.name === name)?.variable ?? name
}
