import type { z } from 'zod'
import type { ConfigMistake } from './config-error.ts'
import { contradictions } from './contradictions.ts'
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
