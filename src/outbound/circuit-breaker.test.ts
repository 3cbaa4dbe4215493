import { describe, expect, it } from 'bun:test'
import { CircuitBreaker } from './circuit-breaker.ts'

describe('a breaker', () => {
  let now = 0
  const made = () => {
    now = 0
    return new CircuitBreaker({ failures: 3, restMs: 1_000 }, () => now)
  }
  const fail = (breaker: CircuitBreaker, times: number) => {
    for (let i = 0; i < times; i++) breaker.enter()?.failed()
  }

  it('opens after so many failures in a row, and not when a success was among them', () => {
    const breaker = made()
    fail(breaker, 2)
    breaker.enter()?.succeeded()
    fail(breaker, 2)
    expect(breaker.enter()).not.toBeNull()
    fail(breaker, 1)
    expect(breaker.enter()).toBeNull()
  })

  it('counts failures of requests that were on their way together', () => {
    const breaker = made()
    for (const passage of [breaker.enter(), breaker.enter(), breaker.enter()]) passage?.failed()
    expect(breaker.enter()).toBeNull()
  })

  it('lets one request try after its rest, and rests again when that fails', () => {
    const breaker = made()
    fail(breaker, 3)
    now = 999
    expect(breaker.enter()).toBeNull()
    now = 1_000
    const trial = breaker.enter()
    expect(breaker.enter()).toBeNull()
    trial?.failed()
    now = 1_999
    expect(breaker.enter()).toBeNull()
    now = 2_000
    breaker.enter()?.succeeded()
    expect([breaker.enter(), breaker.enter()]).not.toContain(null)
  })

  it('lets the next one try when a trial is given up', () => {
    const breaker = made()
    fail(breaker, 3)
    now = 1_000
    breaker.enter()?.abandoned()
    expect(breaker.enter()).not.toBeNull()
  })

  it('takes the first word of a request only', () => {
    const breaker = made()
    const passage = breaker.enter()
    for (let i = 0; i < 5; i++) passage?.failed()
    expect(breaker.enter()).not.toBeNull()
  })
})
