import { describe, expect, it } from 'bun:test'
import { parseChallenges } from './www-authenticate.ts'

function read(header: string): unknown[] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])
}

describe('a list of challenges', () => {
  it.each<[string, string, unknown[]]>([
    [
      'of a registry',
      'Bearer realm="https://x/token",service="y",scope="repository:a/b:pull,push repository:c:pull"',
      [['bearer', { realm: 'https://x/token', service: 'y', scope: 'repository:a/b:pull,push repository:c:pull' }]],
    ],
    [
      'with quotes and commas in values',
      'Basic realm="a, \\"b\\"", Bearer realm="https://x/token",service=y',
      [
        ['basic', { realm: 'a, "b"' }],
        ['bearer', { realm: 'https://x/token', service: 'y' }],
      ],
    ],
    ['in capitals', 'BEARER Realm="X",SERVICE=Y', [['bearer', { realm: 'X', service: 'Y' }]]],
    ['with blanks around the sign', 'Bearer realm = "x" ,  service\t=\ty', [['bearer', { realm: 'x', service: 'y' }]]],
    [
      'with empty elements',
      ', ,Basic realm=x,, ,Bearer realm=y,',
      [
        ['basic', { realm: 'x' }],
        ['bearer', { realm: 'y' }],
      ],
    ],
    [
      'with bare schemes',
      'Negotiate, Basic realm="x", NTLM',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
        ['ntlm', {}],
      ],
    ],
    [
      'with a value of the old form',
      'Negotiate abc/+==, Basic realm=x',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'with an unpadded value of the old form',
      'NTLM abcd, Basic realm=x',
      [
        ['ntlm', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['with an empty value', 'Bearer realm="",service=""', [['bearer', { realm: '', service: '' }]]],
    ['with a parameter twice, of which the first counts', 'Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
    ['with escapes that say themselves', 'Bearer realm="\\a\\\\b"', [['bearer', { realm: 'a\\b' }]]],
    ['with blanks for commas', 'Bearer realm="x" service="y"', [['bearer', { realm: 'x', service: 'y' }]]],
    [
      'with bare addresses',
      'Bearer realm=https://x/t?a=b,service=y',
      [['bearer', { realm: 'https://x/t?a=b', service: 'y' }]],
    ],
    [
      'with the name of a parameter like a scheme',
      'Bearer basic="x",realm="y"',
      [['bearer', { basic: 'x', realm: 'y' }]],
    ],
    [
      'with a challenge inside a quote',
      'Basic realm="Bearer realm=\\"https://evil/\\""',
      [['basic', { realm: 'Bearer realm="https://evil/"' }]],
    ],
  ])('%s is read', (_, header, challenges) => {
    expect(read(header)).toEqual(challenges)
  })

  it.each([
    ['nothing', ''],
    ['a lone quote', '"'],
    ['signs only', '==='],
    ['a parameter of nothing', 'realm="x"'],
    ['a quote that is left open', 'Bearer realm="a'],
    ['a quote with something behind it', 'Bearer realm="a"b'],
    ['a value that only escapes', `Bearer realm="${'\\\\'.repeat(100_000)}`],
    ['quotes without end', `Bearer ${'a="'.repeat(100_000)}`],
    ['blanks without end', `Bearer${' '.repeat(100_000)}x`],
    ['schemes without end', 'a '.repeat(100_000)],
  ])('gives no realm where there is %s, and soon', (_, text) => {
    const begun = performance.now()
    for (const { parameters } of parseChallenges(text)) expect(parameters.get('realm') ?? '').toBe('')
    expect(performance.now() - begun).toBeLessThan(200)
  })
})
