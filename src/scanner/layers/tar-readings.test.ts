import { describe, expect, it } from 'bun:test'
import { entryOf, type FixtureEntry } from '../../../tests/fixtures/tar.ts'
import { DEFAULT_LAYER_LIMITS } from './layer-limits.ts'
import type { TarEntry } from './tar-entry.ts'
import { TarWalker } from './tar-walker.ts'

/** An entry whose header says something unusual at some offsets, with the right sum all the same. */
function patched(entry: FixtureEntry, patches: Readonly<Record<number, string>>): Uint8Array {
  const bytes = new Uint8Array(entryOf(entry))
  const write = (at: number, text: string) => bytes.set(Buffer.from(text, 'latin1'), at)
  for (const [at, text] of Object.entries(patches)) write(Number(at), text)
  write(148, ' '.repeat(8))
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  write(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return bytes
}

function read(...parts: readonly Uint8Array[]): TarEntry[] {
  const entries: TarEntry[] = []
  const walker = new TarWalker(
    { wantsContent: () => false, entry: (entry) => entries.push(entry) },
    DEFAULT_LAYER_LIMITS,
  )
  walker.write(Buffer.concat(parts))
  walker.end()
  return entries
}

const GNU = { 257: 'ustar  \0' }
const V7 = { 257: '\0'.repeat(8) }
const file = entryOf({ path: 'seen' })
const block = 'x'.repeat(512)

/** What each says was tried with Go's own reader: what a runtime unpacks is what must be looked at. */
const TABLE: readonly [name: string, parts: readonly Uint8Array[], paths: readonly string[]][] = [
  [
    'no content behind a folder of the oldest kind',
    [patched({ path: 'd/', type: '\0', statedSize: 512 }, {}), file],
    ['d/', 'seen'],
  ],
  [
    'content behind a file of the oldest kind',
    [patched({ path: 'd', type: '\0', content: block }, {}), file],
    ['d', 'seen'],
  ],
  ['a size behind NULs', [patched({ path: 'a', content: block }, { 124: '\0\0\0\0\x001000 \0' }), file], ['a', 'seen']],
  [
    'no name from before a global header',
    [entryOf({ path: 'x', type: 'L', content: 'hidden' }), entryOf({ path: 'g', type: 'g' }), file],
    ['seen'],
  ],
  ['the own name when a long one is empty', [entryOf({ path: 'x', type: 'L', content: '\0' }), file], ['seen']],
  [
    'no name from a record that makes no sparse file',
    [entryOf({ path: 'seen', pax: { 'GNU.sparse.name': 'hidden' } })],
    ['seen'],
  ],
  [
    'no name from a sparse file of an unknown version',
    [entryOf({ path: 'seen', pax: { 'GNU.sparse.major': '2', 'GNU.sparse.name': 'hidden' } })],
    ['seen'],
  ],
  [
    'the long name of a header that Go once wrote',
    [patched({ path: 'status' }, { ...GNU, 345: 'var/lib/dpkg' })],
    ['var/lib/dpkg/status'],
  ],
  [
    'no long name where there are two times',
    [patched({ path: 'seen' }, { ...GNU, 345: '00000000001\x0000000000002\0more' })],
    ['seen'],
  ],
  [
    'a shorter prefix in a header of star',
    [patched({ path: 'b' }, { 345: `${'a'.repeat(131)}tail`, 508: 'tar\0' })],
    [`${'a'.repeat(131)}/b`],
  ],
]

describe('a tar', () => {
  it.each(TABLE.map(([name, parts, paths]) => ({ name, parts, paths })))('is read with $name', ({ parts, paths }) => {
    expect(read(...parts).map((entry) => entry.path)).toEqual([...paths])
  })

  it('removes what lies below where the oldest kind of header names a device', () => {
    expect(read(patched({ path: 'a', type: '3' }, V7)).map((entry) => entry.isOverlayWhiteout)).toEqual([true])
  })
})
