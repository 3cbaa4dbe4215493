import { RegistryError } from '../../core/errors.ts'
import { isObject, type JsonObject } from './json.ts'

const DOCUMENT_KEYS = ['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject']
const DESCRIPTOR_KEYS = ['mediaType', 'artifactType', 'digest', 'size', 'urls', 'data', 'platform', 'annotations']

const DOCUMENT = foldedOf([...DOCUMENT_KEYS, 'annotations'])
const DESCRIPTOR = foldedOf(DESCRIPTOR_KEYS)

/**
 * Refuses keys such as `Layers`. The JSON reader of Go, so of most clients, takes them for the name without regard to
 * the case of letters, and the last one wins: such a client would run other layers than those that were looked at here.
 *
 * @throws RegistryError `MANIFEST_INVALID`
 */
export function refuseLookAlikes(manifest: JsonObject): void {
  check(manifest, DOCUMENT, '')
  for (const name of ['config', 'subject']) check(manifest[name], DESCRIPTOR, `${name}.`)
  for (const name of ['layers', 'manifests']) {
    const list = manifest[name]
    for (const [at, entry] of Array.isArray(list) ? list.entries() : []) check(entry, DESCRIPTOR, `${name}[${at}].`)
  }
}

function check(value: unknown, folded: ReadonlyMap<string, string>, where: string): void {
  if (!isObject(value)) return
  for (const key of Object.keys(value)) {
    const meant = folded.get(fold(key))
    if (meant === undefined || meant === key) continue
    const message = `manifest invalid: "${where}${key}" is read by some clients as "${where}${meant}"`
    throw new RegistryError('MANIFEST_INVALID', undefined, { message })
  }
}

/** Whether Go's JSON reader takes a key for a name. */
export function isReadAs(key: string, name: string): boolean {
  return fold(key) === fold(name)
}

function foldedOf(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [fold(name), name]))
}

/** Twice, as the long s and the Kelvin sign each become a letter of ASCII in one direction only. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase()
}
