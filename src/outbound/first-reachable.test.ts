import { afterEach, describe, expect, it } from 'bun:test'
import { freePort } from '../../tests/harness/free-port.ts'
import { OutboundGround } from '../../tests/harness/outbound-ground.ts'
import { firstReachable } from './first-reachable.ts'

const ground = new OutboundGround()
afterEach(() => ground.clear())

describe('the first address that takes a connection', () => {
  it('is found past those that refuse', async () => {
    const { port } = await ground.upstream({})
    expect(await firstReachable(['127.0.0.2', '127.0.0.1'], port, 1_000)).toBe('127.0.0.1')
  })

  it('is none where all refuse', async () => {
    const refused = firstReachable(['127.0.0.1', '127.0.0.2'], freePort(), 1_000)
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
