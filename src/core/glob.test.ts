import { describe, expect, it } from 'bun:test'
import { matchesGlob, parseGlob } from './glob.ts'

const TABLE: [glob: string, image: string, matches: boolean][] = [
  ['**', 'app', true],
  ['**', 'a/b/c', true],
  ['app', 'app', true],
  ['app', 'apps', false],
  ['app', 'app/x', false],
  ['*', 'app', true],
  ['*', 'a/b', false],
  ['team-*', 'team-web', true],
  ['team-*', 'team-', true],
  ['team-*', 'my-team-web', false],
  ['*-prod', 'web-prod', true],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'aXbYbZ', false],
  ['team/*', 'team/web', true],
  ['team/*', 'team/web/api', false],
  ['team/*', 'team', false],
  ['team/**', 'team/web', true],
  ['team/**', 'team/web/api', true],
  ['team/**', 'team', false],
  ['team/**', 'teams/web', false],
  ['**/app', 'app', true],
  ['**/app', 'a/b/app', true],
  ['**/app', 'a/b/apps', false],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['a/**/z', 'a/b/c', false],
  ['a.b', 'axb', false],
]

describe('an image pattern', () => {
  for (const [glob, image, matches] of TABLE) {
    it(`${glob} ${matches ? 'matches' : 'does not match'} ${image}`, () => {
      expect(matchesGlob(parseGlob(glob), image)).toBe(matches)
    })
  }

  for (const bad of ['', '/', 'a//b', 'A', 'a**', '**a', '***', 'a/', '../x y', 'a?', '[a]', 'a'.repeat(300)]) {
    it(`refuses ${JSON.stringify(bad.slice(0, 20))}`, () => {
      expect(() => parseGlob(bad)).toThrow('not an image pattern')
    })
  }

  it('takes no longer than its size allows on a pattern made to blow up', () => {
    const glob = parseGlob('*a'.repeat(120))
    const started = performance.now()
    expect(matchesGlob(glob, `${'a'.repeat(250)}b`)).toBe(false)
    expect(matchesGlob(parseGlob(`${'**/a/'.repeat(40)}b`), `${'a/'.repeat(125)}c`)).toBe(false)
    expect(performance.now() - started).toBeLessThan(100)
  })
})
