import type { z } from 'zod'
import type { ConfigMistake } from './config-error.ts'
import { showValue } from './effective-setting.ts'
import type { WrittenValue } from './setting-layer.ts'
import { SETTINGS } from './settings.ts'

type Written = ReadonlyMap<string, WrittenValue>

/** What is wrong with single values, as the schema found it, and with values that contradict each other. */
export function settingsMistakes(written: Written, issues: readonly z.core.$ZodIssue[]): ConfigMistake[] {
  return [...issues.map((issue) => mistakeOf(issue, written)), ...contradictions(written)]
}

function mistakeOf(issue: z.core.$ZodIssue, written: Written): ConfigMistake {
  const path = issue.path.map(String)
  const setting = SETTINGS.find(({ name }) => name === path.slice(0, name.split('.').length).join('.'))
  const value = setting && written.get(setting.name)
  if (!setting || !value) return { name: path.join('.'), problem: wording(issue) }
  return { name: value.shownName, value: showValue(setting, value.value), problem: wording(issue) }
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return TYPES[issue.expected] ?? `must be of type ${issue.expected}`
  if (issue.code === 'too_small')
    return issue.origin === 'string' ? tooShort(issue) : `must be ${issue.minimum} or more`
  if (issue.code === 'too_big') return `must be ${issue.maximum} or less`
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  return issue.message
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'must be a whole number',
  number: 'must be a whole number',
  boolean: 'must be true or false',
  string: 'must be a text; put it in quotes',
  array: 'must be a list',
}

function tooShort({ minimum }: z.core.$ZodIssueTooSmall): string {
  return minimum === 1 ? 'must not be empty' : `must have ${minimum} characters or more`
}

function contradictions(written: Written): ConfigMistake[] {
  const text = (name: string) => String(written.get(name)?.value ?? '')
  const shown = (name: string) => written.get(name)?.shownName ?? name
  const mistakes: ConfigMistake[] = []

  if (written.has('tls.certificate') !== written.has('tls.key')) {
    const there = written.has('tls.key') ? 'tls.key' : 'tls.certificate'
    const missing = written.has('tls.key') ? 'SEAWALL_TLS_CERTIFICATE' : 'SEAWALL_TLS_KEY'
    mistakes.push({ name: shown(there), value: text(there), problem: `needs ${missing} beside it` })
  }
  if (text('listen').startsWith('unix:') && written.has('tls.certificate')) {
    mistakes.push({ name: shown('listen'), value: text('listen'), problem: 'a socket file is not served by HTTPS' })
  }
  const isBucket = text('store').startsWith('s3://')
  const store = { name: shown('store'), value: showValue(undefined, text('store')) }
  if (isBucket && !/^postgres(?:ql)?:/.test(text('database'))) {
    const problem = 'shared bytes need a shared database; set SEAWALL_DATABASE to a postgres:// address'
    mistakes.push({ ...store, problem })
  }
  for (const key of ['accessKey', 'secretKey']) {
    if (!isBucket || written.has(`s3.${key}`) || written.has(`s3.${key}File`)) continue
    const variable = SETTINGS.find(({ name }) => name === `s3.${key}`)?.variable
    mistakes.push({ ...store, problem: `needs ${variable} or ${variable}_FILE` })
  }
  const wait = limitOf(written, 'scan.pullWaitSeconds')
  if (wait >= limitOf(written, 'limits.requestIdleSeconds')) {
    const name = written.has('scan.pullWaitSeconds') ? 'scan.pullWaitSeconds' : 'limits.requestIdleSeconds'
    const problem =
      'a pull that waits for its scan would be cut off: requestIdleSeconds must be more than pullWaitSeconds'
    mistakes.push({ name: shown(name), value: text(name), problem })
  }
  const items = limitOf(written, 'limits.pageItems')
  const most = limitOf(written, 'limits.pageMaxItems')
  if (items > most) {
    const name = written.has('limits.pageItems') ? 'limits.pageItems' : 'limits.pageMaxItems'
    mistakes.push({ name: shown(name), value: text(name), problem: 'pageItems must not be more than pageMaxItems' })
  }
  return mistakes
}

function limitOf(written: Written, name: string): number {
  const value = written.get(name)?.value ?? SETTINGS.find((setting) => setting.name === name)?.fallback
  return typeof value === 'number' ? value : Number.NaN
}
