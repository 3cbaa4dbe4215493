import type { ConfigMistake } from './config-error.ts'
import type { SettingLayer, WrittenValue } from './setting-layer.ts'
import { SETTINGS } from './settings.ts'

/** Settings that may also be given as a file's content: `database` by `databaseFile`. */
const IN_FILES = SETTINGS.map(({ name }) => name).filter((name) =>
  SETTINGS.some((setting) => setting.name === `${name}File`),
)

/**
 * Lays the sources over each other, the last one winning, and puts the content of secret files in the place of their
 * names. A secret and its file in one source contradict each other; in two sources the later one wins.
 */
export function readSecretFiles(
  layers: readonly SettingLayer[],
  readSecret: (path: string) => string,
  mistakes: ConfigMistake[],
): Map<string, WrittenValue> {
  const merged = new Map<string, WrittenValue>()
  for (const { values } of layers) {
    for (const name of IN_FILES) {
      const direct = values.get(name)
      const file = values.get(`${name}File`)
      if (direct && file) mistakes.push({ name: file.shownName, problem: `and ${direct.shownName} are both set` })
      if (direct) merged.delete(`${name}File`)
      if (file) merged.delete(name)
    }
    for (const [name, value] of values) merged.set(name, value)
  }
  for (const name of IN_FILES) {
    const file = merged.get(`${name}File`)
    if (typeof file?.value === 'string') readInto(merged, name, file, file.value, readSecret, mistakes)
  }
  return merged
}

function readInto(
  merged: Map<string, WrittenValue>,
  name: string,
  file: WrittenValue,
  path: string,
  readSecret: (path: string) => string,
  mistakes: ConfigMistake[],
): void {
  try {
    // Editors and `echo` end a file with a line break that is no part of the secret.
    const value = readSecret(path).replace(/\r?\n$/, '')
    if (value === '') mistakes.push({ name: file.shownName, value: path, problem: 'the file is empty' })
    else merged.set(name, { value, shownName: `${file.shownName} (the content of ${path})`, from: file.from })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    mistakes.push({ name: file.shownName, value: path, problem: `the file cannot be read: ${reason}` })
  }
}
