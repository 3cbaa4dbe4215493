import { describe, expect, it } from 'bun:test'
import { formatScope, parseScopes } from './scope.ts'

const TABLE: [name: string, parameters: string[], scopes: string[]][] = [
  ['one scope', ['repository:demo/app:pull'], ['repository:demo/app:pull']],
  ['the order of actions', ['repository:demo/app:push,pull'], ['repository:demo/app:push,pull']],
  ['several with spaces', ['repository:a/b:pull repository:c/d:push'], ['repository:a/b:pull', 'repository:c/d:push']],
  [
    'several by repetition',
    ['repository:a/b:pull', 'registry:catalog:*'],
    ['repository:a/b:pull', 'registry:catalog:*'],
  ],
  ['a name with a port', ['repository:host:5000/a/b:pull'], ['repository:host:5000/a/b:pull']],
  ['a class as its type', ['repository(plugin):a/b:pull'], ['repository:a/b:pull']],
  ['one thing asked twice', ['repository:a/b:pull', 'repository:a/b:pull,push'], ['repository:a/b:pull,push']],
  ['an action asked twice', ['repository:a/b:pull,pull'], ['repository:a/b:pull']],
  ['no parameter', [], []],
  ['an empty parameter', ['', '  '], []],
  ['no action', ['repository:a/b:'], ['repository:a/b:']],
  ['words without colons', ['profile', 'repository:a'], []],
  ['an empty name', ['repository::pull'], []],
  ['an unknown action kept for the judge', ['repository:a/b:admin'], ['repository:a/b:admin']],
  ['odd actions passed over', ['repository:a/b:pu ll', 'repository:a/b:PULL,pull'], ['repository:a/b:pu,pull']],
  ['an odd type passed over', ['repo sitory:a/b:pull', '__proto__:a:b'], ['sitory:a/b:pull']],
]

describe('the scope parameter', () => {
  for (const [name, parameters, scopes] of TABLE) {
    it(`reads ${name}`, () => {
      expect(parseScopes(parameters).map(formatScope)).toEqual(scopes)
    })
  }

  it('refuses more scopes than a client has reason to ask', () => {
    expect(() => parseScopes(['a:b:c '.repeat(101)])).toThrow('too many scopes')
    expect(() => parseScopes(['x'.repeat(20_000)])).toThrow('too many scopes')
  })

  it('reads a long hostile text at once', () => {
    const started = performance.now()
    parseScopes([`repository${'('.repeat(16_000)}`])
    parseScopes([`repository:a:${'pull,'.repeat(3000)}`])
    expect(performance.now() - started).toBeLessThan(100)
  })
})
