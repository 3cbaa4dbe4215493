import { expect, it } from 'bun:test'
import { LineWriter } from './line-writer.ts'

it('writes the lines of one turn together, but no more than goes into a pipe in one piece, and cuts no line', () => {
  const written: string[] = []
  const writer = new LineWriter({ write: (text) => written.push(text) })
  const lines = Array.from({ length: 300 }, (_, n) => `${n} ${'é'.repeat((n * 37) % 200)}\n`)
  lines.push(`${'x'.repeat(10_000)}\n`, 'end\n')
  for (const line of lines) writer.write(line)
  writer.flush()
  expect(written.join('')).toBe(lines.join(''))
  expect(written.length).toBeLessThan(100)
  for (const piece of written) {
    expect(piece.endsWith('\n')).toBe(true)
    expect(Buffer.byteLength(piece) <= 4096 || piece.indexOf('\n') === piece.length - 1).toBe(true)
  }
})
