import { describe, expect, it } from 'bun:test'
import { many, type SqlPart, skipLocked } from './database.ts'
import { type SqlSpelling, sqlStatement } from './sql-text.ts'

const SPELLING: SqlSpelling = {
  parameter: (position, value) => `$${position}:${typeof value}`,
  fragment: (name) => `<${name}>`,
}

const text = (strings: TemplateStringsArray, ...parts: readonly SqlPart[]) => sqlStatement(SPELLING, strings, parts)

describe('a template', () => {
  it.each([
    ['no value', text`select 1`, 'select 1', []],
    ['values', text`a = ${1} and b = ${'x'}`, 'a = $1:number and b = $2:string', [1, 'x']],
    ['a null, which is a word', text`values (${null}, ${2})`, 'values (null, $1:number)', [2]],
    ['a list', text`in ${many([1, 2])} and ${3}`, 'in ($1:number, $2:number) and $3:number', [1, 2, 3]],
    [
      'a list filled up after in',
      text`IN ${many([1, 2, 3])}`,
      'IN ($1:number, $2:number, $3:number, $4:number)',
      [1, 2, 3, 3],
    ],
    ['a list as it is elsewhere', text`values ${many([1, null, 3])}`, 'values ($1:number, null, $2:number)', [1, 3]],
    ['a word that ends like in', text`join${many([1, 2, 3])}`, 'join($1:number, $2:number, $3:number)', [1, 2, 3]],
    ['words of the engine', text`select 1 ${skipLocked}`, 'select 1 <skip-locked>', []],
  ])('with %s becomes text and parameters', (_, statement, expected, values) => {
    expect(statement).toEqual({ text: expected, values })
  })

  it('takes lists of a few lengths only, so that few statements are prepared', () => {
    const texts = new Set<string>()
    for (let length = 1; length <= 1_000; length++) {
      texts.add(text`x in ${many(Array.from({ length }, (_, i) => i))}`.text)
    }
    expect(texts.size).toBe(11)
  })

  it('leaves very long lists as they are, below the limits of the engines', () => {
    expect(text`x in ${many(Array.from({ length: 30_000 }, (_, i) => i))}`.values).toHaveLength(30_000)
  })
})
