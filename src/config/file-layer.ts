import { redactUrl } from '../core/redact-url.ts'
import type { SettingLayer } from './setting-layer.ts'
import { SECTIONS, SETTINGS } from './settings.ts'
import { suggestion } from './suggestion.ts'

/** A configuration file that was read. */
export interface ConfigFile {
  readonly name: string
  readonly text: string
}

/** Reads the settings of a YAML file (YAML 1.2, core schema), without judging their values. */
export function fileLayer(file: ConfigFile): SettingLayer {
  const layer: SettingLayer = { values: new Map(), mistakes: [] }
  // Loaded only when there is a file to read: it takes 5 MB of memory. The types are the library's own.
  const { parseDocument } = require('yaml') as typeof import('yaml')
  const document = parseDocument(file.text, { prettyErrors: true })
  if (document.errors.length > 0) {
    // The library's second line shows the source, which may be a secret.
    for (const { message } of document.errors) {
      layer.mistakes.push({ name: file.name, problem: `is not YAML: ${message.split('\n')[0] ?? ''}` })
    }
    return layer
  }
  const root: unknown = document.toJS()
  if (root === null || root === undefined) return layer
  if (isMapping(root)) collect(layer, file, '', root)
  else
    layer.mistakes.push({ name: file.name, problem: 'must be a mapping of settings, such as "listen: 127.0.0.1:5000"' })
  return layer
}

function collect(layer: SettingLayer, file: ConfigFile, section: string, mapping: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(mapping)) {
    const name = section === '' ? key : `${section}.${key}`
    const shownName = `${name} in ${file.name}`
    if (section === '' && SECTIONS.has(key)) {
      if (isMapping(value)) collect(layer, file, key, value)
      else if (value !== null) layer.mistakes.push(notASection(shownName, key, value))
    } else if (key.includes('.') || !SETTINGS.some((setting) => setting.name === name)) {
      layer.mistakes.push({ name: shownName, problem: `unknown setting${suggestion(name, namesIn(section))}` })
    } else if (value !== null) {
      layer.values.set(name, { value, shownName, from: file.name })
    }
  }
}

function notASection(name: string, section: string, value: unknown) {
  const problem = `is a section: indent its settings under it (${[...namesIn(section)].join(', ')})`
  return { name, value: redactUrl(JSON.stringify(value) ?? ''), problem }
}

/** What could have been meant: at the top the sections too. */
function namesIn(section: string): Set<string> {
  const names = SETTINGS.map(({ name }) => name)
  if (section === '') return new Set([...names.filter((name) => !name.includes('.')), ...SECTIONS])
  return new Set(names.filter((name) => name.startsWith(`${section}.`)))
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
