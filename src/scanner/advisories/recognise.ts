import { open } from 'node:fs/promises'
import { type Secdb, secdbSchema } from './alpine-secdb.ts'
import { type Kev, kevSchema } from './exploitation.ts'
import { type OsvRecord, osvSchema } from './osv-schema.ts'

/** What a file is, told by its content: names are not to be relied on. */
export type Recognised =
  | { readonly kind: 'osv-zip' | 'debian-tracker' | 'epss' }
  | { readonly kind: 'alpine-secdb'; readonly secdb: Secdb }
  | { readonly kind: 'kev'; readonly kev: Kev }
  | { readonly kind: 'osv-record'; readonly record: OsvRecord }
  | { readonly kind: 'ignored'; readonly reason: string }

/** Enough to see the first member of a feed. */
const headBytes = 64 * 1024

/** JSON that is read whole; the one feed that is larger is read in pieces. */
const maxWholeBytes = 64 * 1024 ** 2

/** `{"openssl": {"CVE-2024-1": {`: source package, issue; sources without an issue may come before it. */
const TRACKER =
  /^\s*\{(?:\s*"[^"\\]{1,200}"\s*:\s*\{\s*\}\s*,)*\s*"[^"\\]{1,200}"\s*:\s*\{\s*"(?:CVE|TEMP|DSA|DLA)-[^"\\]{1,200}"\s*:\s*\{/

/** Tells what a file is, reading no more of it than that takes. */
export async function recognise(path: string): Promise<Recognised> {
  const { head, size } = await headOf(path)
  if (size === 0) return ignored('an empty file')
  if (head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5)) return { kind: 'osv-zip' }
  if (head[0] === 0x1f && head[1] === 0x8b) return ignored('packed by gzip: unpack it first')
  const text = new TextDecoder().decode(head)
  if (TRACKER.test(text)) return { kind: 'debian-tracker' }
  if (/^(?:#model_version:|cve,epss)/.test(text)) return { kind: 'epss' }
  if (!/^\s*[{[]/.test(text)) return ignored('neither JSON, nor a zip, nor EPSS')
  if (size > maxWholeBytes) return ignored(`JSON of ${size} bytes in a form that is not known`)
  return recogniseJson(await Bun.file(path).text())
}

function recogniseJson(text: string): Recognised {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return ignored('damaged JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ignored('a JSON list, not a feed')
  if ('distroversion' in value) {
    const secdb = secdbSchema.safeParse(value)
    return secdb.success ? { kind: 'alpine-secdb', secdb: secdb.data } : ignored(wrong('Alpine secdb', secdb.error))
  }
  if ('catalogVersion' in value) {
    const kev = kevSchema.safeParse(value)
    return kev.success ? { kind: 'kev', kev: kev.data } : ignored(wrong('KEV', kev.error))
  }
  if ('id' in value && ('affected' in value || 'modified' in value)) {
    const record = osvSchema.safeParse(value)
    return record.success ? { kind: 'osv-record', record: record.data } : ignored(wrong('OSV', record.error))
  }
  return ignored(reasonFor(value))
}

/** Formats that stand beside advisories and are no feed of them, by a member that only they have. */
function reasonFor(value: object): string {
  if ('document' in value) return 'a CSAF document: these are not read'
  if ('@context' in value) return 'a VEX document: it excuses findings, it makes none'
  if ('schema_version' in value && 'result' in value) return 'end-of-life dates: no advisories'
  if ('bomFormat' in value || 'spdxVersion' in value) return 'an SBOM: no advisories'
  return 'JSON in a form that is not known'
}

function wrong(feed: string, error: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }): string {
  const issue = error.issues[0]
  return `looks like ${feed}, but ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
}

function ignored(reason: string): Recognised {
  return { kind: 'ignored', reason }
}

async function headOf(path: string): Promise<{ head: Uint8Array; size: number }> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return { head: buffer.subarray(0, bytesRead), size }
  } finally {
    await file.close()
  }
}
