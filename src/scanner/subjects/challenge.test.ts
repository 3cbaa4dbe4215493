import { describe, expect, it } from 'bun:test'
import { parseChallenges } from './challenge.ts'

describe('a list of challenges', () => {
  it('is told apart by its schemes, also where values hold commas and quotes', () => {
    const header = 'Basic realm="a, \\"b\\"", Bearer realm="https://x/token",service=y,scope="repository:a:pull,push"'
    expect(parseChallenges(header).map(({ scheme, parameters }) => [scheme, ...parameters])).toEqual([
      ['basic', ['realm', 'a, "b"']],
      ['bearer', ['realm', 'https://x/token'], ['service', 'y'], ['scope', 'repository:a:pull,push']],
    ])
  })

  it.each([
    ['nothing', ''],
    ['a lone quote', '"'],
    ['signs only', '==='],
    ['a quote that is left open', 'Bearer realm="a'],
    ['a value that only escapes', `Bearer realm="${'\\\\'.repeat(10_000)}`],
  ])('gives no value where there is %s', (_, text) => {
    for (const { parameters } of parseChallenges(text)) expect(parameters.get('realm') ?? '').toBe('')
  })
})
