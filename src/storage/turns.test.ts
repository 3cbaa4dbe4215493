import { describe, expect, it } from 'bun:test'
import { Turns } from './turns.ts'

describe('turns', () => {
  it('are given in the order they were asked for', async () => {
    const turns = new Turns()
    const order: string[] = []
    const take = async (name: string) => {
      await turns.take(1_000)
      await Bun.sleep(1)
      order.push(name)
      turns.release()
    }
    await Promise.all(['a', 'b', 'c'].map(take))
    expect(order).toEqual(['a', 'b', 'c'])
  })

  it('pass over those who did not want to wait that long', async () => {
    const turns = new Turns()
    expect(await turns.take(0)).toBe(true)
    const short = turns.take(5)
    const long = turns.take(1_000)
    expect(await short).toBe(false)
    turns.release()
    expect(await long).toBe(true)
    turns.release()
    expect(await turns.take(0)).toBe(true)
  })
})
