import { describe, expect, it } from 'bun:test'
import { Places } from './places.ts'

const NEVER = new AbortController().signal

describe('places', () => {
  it('go to those who wait in the order of asking, past those who left', async () => {
    const places = new Places(1)
    const order: string[] = []
    const take = async (name: string) => {
      const give = await places.take(NEVER)
      order.push(name)
      return give
    }
    const leave = await places.take(NEVER)
    const first = take('first')
    const impatient = new AbortController()
    const second = places.take(impatient.signal).catch((reason: unknown) => reason)
    const third = take('third')
    impatient.abort('left')
    expect(await second).toBe('left')
    leave()
    leave() // twice is once
    const giveFirst = await first
    await Bun.sleep(1)
    expect(order).toEqual(['first'])
    giveFirst()
    ;(await third)()
    expect(order).toEqual(['first', 'third'])
    ;(await places.take(NEVER))()
  })
})
