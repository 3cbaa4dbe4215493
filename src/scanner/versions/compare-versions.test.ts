import { describe, expect, it } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { compareVersions, type OrderName, orderOf } from './compare-versions.ts'

const truth = '../shared/data/truth/versions'
const files: readonly (readonly [OrderName, string, number])[] = [
  ['dpkg', 'debian-versions.txt', 0],
  ['dpkg', 'debian-versions-generated.txt', 0],
  // Versions that are outside apk's grammar (`a < b`, `1-ruff`): they are reported, not ordered.
  ['apk', 'alpine-versions.txt', 33],
  ['apk', 'alpine-versions-generated.txt', 0],
  ['semver', 'semver-versions.txt', 0],
  ['pep440', 'pypi-versions.txt', 0],
  ['pep440', 'pypi-versions-generated.txt', 0],
  ['rpm', 'redhat-versions.txt', 0],
  ['rpm', 'claircore-rpm-rpmvercmp.txt', 0],
  ['maven', 'maven-versions.txt', 0],
  ['maven', 'maven-versions-generated.txt', 0],
  ['rubygems', 'rubygems-versions.txt', 0],
  ['rubygems', 'rubygems-versions-generated.txt', 0],
  ['nuget', 'nuget-versions.txt', 0],
  ['packagist', 'packagist-versions.txt', 0],
  ['packagist', 'packagist-versions-generated.txt', 0],
]
const signs: Readonly<Record<string, number>> = { '<': -1, '=': 0, '==': 0, '>': 1 }

function linesOf(file: string): string[] {
  const lines = readFileSync(`${truth}/${file}`, 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '' && !/^(#|\/\/)/.test(line))
}

function judge(order: OrderName, line: string): 'right' | 'wrong' | 'not comparable' {
  const [a = '', operator = '', b = ''] = line.trim().split(/\s+/)
  const forth = compareVersions(order, a, b)
  const back = compareVersions(order, b, a)
  if (forth === null || back === null) return forth === back ? 'not comparable' : 'wrong'
  const expected = signs[operator] ?? Number.NaN
  return Math.sign(forth) === expected && Math.sign(back) + expected === 0 ? 'right' : 'wrong'
}

if (!existsSync(truth)) console.log(`skipped: version truth tables, because ${truth} is missing`)
describe.skipIf(!existsSync(truth))('the published order of versions', () => {
  for (const [order, file, expectedInvalid] of files) {
    it(`holds for every line of ${file}, both ways`, () => {
      const results = linesOf(file).map((line) => ({ line, outcome: judge(order, line) }))
      expect(results.filter(({ outcome }) => outcome === 'wrong').map(({ line }) => line)).toEqual([])
      expect(results.filter(({ outcome }) => outcome === 'not comparable')).toHaveLength(expectedInvalid)
    })
  }
})

describe('version orders', () => {
  const equal: readonly (readonly [OrderName, string, string])[] = [
    ['dpkg', '1.0', '0:1.0-0'],
    ['semver', '1.2.3+a', 'v1.2.3+b'],
    ['semver', '1.2', '1.2.0'],
    ['pep440', '1.0', '1.0.0'],
    ['pep440', '1.0-1', '1.0.post1'],
    ['pep440', '1.0.ALPHA_1', '1.0a1'],
  ]
  for (const [order, a, b] of equal) {
    it(`takes ${a} and ${b} for the same in ${order}`, () => expect(compareVersions(order, a, b)).toBe(0))
  }

  const ascending: readonly (readonly [OrderName, readonly string[]])[] = [
    ['dpkg', ['1.0~rc1-1', '1.0-1~deb12u1', '1.0-1', '1.0-1+b1', '1.0-1.1', '1.0a-1', '1.0+dfsg-1', '1:0.1']],
    ['apk', ['1.2_alpha', '1.2_alpha2', '1.2_rc1', '1.2', '1.2-r0', '1.2-r10', '1.2_git20240101', '1.2_p1', '1.2a']],
    ['semver', ['1.2.3-0', '1.2.3-a', '1.2.3', '1.2.3.1', '1.2.3.2', '1.2.9007199254740992', '1.2.9007199254740993']],
    [
      'pep440',
      ['0.1-pikachu', '1.dev1', '1a1.dev1', '1a1', '1b1', '1rc1', '1', '1+l', '1.post1.dev1', '1.post1', '1!0'],
    ],
  ]
  const others: readonly (readonly [OrderName, readonly string[]])[] = [
    ['rpm', ['1.0~rc1-1', '1.0-1.el8', '1.0-1.el9', '1.0^git1-1', '1.0.1-1', '1:0.1-1']],
    ['maven', ['1.0-alpha-1', '1.0-rc1', '1.0-SNAPSHOT', '1.0', '1.0-sp1', '1.0-1', '1.0.1']],
    ['rubygems', ['1.0.a', '1.0.rc1', '1.0', '1.0.0.1-x86_64-linux', '1.0.1']],
    ['nuget', ['1.0.0-Alpha', '1.0.0-beta', '1.0.0', '1.0.0.1']],
    ['packagist', ['dev-main', '1.0-dev', '1.0-beta', '1.0-RC1', 'v1.0', '1.0.1', '1.1']],
  ]
  for (const [order, versions] of [...ascending, ...others]) {
    it(`sorts ${versions.join(' < ')} in ${order}`, () => {
      const sorted = versions.toReversed().sort((a, b) => compareVersions(order, a, b) ?? Number.NaN)
      expect(sorted).toEqual([...versions])
    })
  }

  const invalid: readonly (readonly [OrderName, string])[] = [
    ['dpkg', ''],
    ['dpkg', 'a:1'],
    ['dpkg', '1 0'],
    ['apk', '1..2'],
    ['apk', '1.2_foo'],
    ['semver', 'latest'],
    ['semver', '1'.repeat(2000)],
    ['pep440', ''],
    ['rpm', ''],
    ['maven', '1 0'],
    ['rubygems', 'latest'],
    ['nuget', 'x'],
    ['packagist', 'main'],
  ]
  for (const [order, text] of invalid) {
    it(`does not guess where "${text.slice(0, 20)}" belongs in ${order}`, () => {
      expect(compareVersions(order, text, '1')).toBeNull()
    })
  }

  it('knows which order an ecosystem uses, whatever its release', () => {
    expect(orderOf('Debian:12')?.compare('1~', '1')).toBeLessThan(0)
    expect(orderOf('npm')).not.toBeNull()
    expect(orderOf('Conda')).toBeNull()
  })
})
