import type { Config } from './config.ts'
import { SETTINGS } from './settings.ts'

/** What is in force and where each value came from, without secrets, in the form of the file. */
export function describeConfig(config: Config): string {
  const lines: string[] = []
  let section = ''
  for (const { name, value, from } of config.effective) {
    const [first = '', key] = name.split('.')
    if (key !== undefined && first !== section) lines.push(`${first}:`)
    section = key === undefined ? '' : first
    const indent = key === undefined ? '' : '  '
    lines.push(`${`${indent}${key ?? first}: ${quote(name, value)}`.padEnd(56)} # ${from}`)
  }
  return `${lines.join('\n')}\n`
}

function quote(name: string, value: string): string {
  const kind = SETTINGS.find((setting) => setting.name === name)?.kind
  if (kind === 'list') return JSON.stringify(value === '' ? [] : value.split(','))
  if (value === '') return 'null'
  return kind === 'text' ? JSON.stringify(value) : value
}
