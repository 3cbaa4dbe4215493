import { describe, expect, it } from 'bun:test'
import { jsonMembers } from './json-members.ts'

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function read(text: string, size = 3, maxMemberBytes = 1000): Promise<(readonly [string, unknown])[]> {
  return Array.fromAsync(jsonMembers(inPieces(text, size), maxMemberBytes))
}

describe('the members of a large JSON object', () => {
  const value = { 'a "b" \\': { c: [1, { d: '},{' }], é: '😀' }, empty: {}, list: [], text: 'x,y}', n: -1.5e3, z: null }

  it('are the same however the bytes arrive', async () => {
    for (const text of [JSON.stringify(value), `\ufeff\n${JSON.stringify(value, null, 2)}\n`]) {
      for (const size of [1, 2, 3, 7, 10_000]) {
        expect(Object.fromEntries(await read(text, size))).toEqual(value)
      }
    }
  })

  it('are none in an empty object', async () => expect(await read(' { } ')).toEqual([]))

  it('are members only, whatever they are called', async () => {
    expect(await read('{"__proto__": {"polluted": 1}}')).toEqual([['__proto__', { polluted: 1 }]])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  for (const text of [
    '',
    '{',
    '{"a": 1',
    '{"a": {}',
    '[1]',
    '"a"',
    '{"a": 1}}',
    '{"a": 1},{"b": 2}',
    '{"a": 1,, "b": 2}',
    '{a: 1}',
    '{"a"}',
  ]) {
    it(`are refused in ${text || 'nothing'}`, () => expect(read(text)).rejects.toThrow())
  }

  it('are refused when one is larger than allowed', async () => {
    await expect(read(`{"a": "${'x'.repeat(2000)}"}`)).rejects.toThrow('larger than 1000 bytes')
  })
})
