import { describe, expect, it } from 'bun:test'
import { createLog } from './create-log.ts'
import { logWithFields } from './log-with-fields.ts'

function memory(isTTY = false) {
  const texts: string[] = []
  return { texts, isTTY, write: (text: string) => texts.push(text), all: () => texts.join('') }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('createLog', () => {
  it('writes one JSON object a line, and the lines of one turn at once', async () => {
    const target = memory()
    const log = createLog({ level: 'info', format: 'auto', target })
    log.info('listening', { port: 5000, text: 'a\n"b"', none: undefined, flag: true })
    log.debug('unseen')
    log.warn('second', { time: 'never', level: 'x' })
    await nextTurn()
    expect(target.texts).toHaveLength(1)
    const [first, second, ...rest] = target.all().split('\n')
    expect(JSON.parse(first!)).toMatchObject({
      level: 'info',
      event: 'listening',
      port: 5000,
      text: 'a\n"b"',
      flag: true,
    })
    expect(JSON.parse(second!)).toMatchObject({ level: 'warn', event: 'second', time: expect.stringMatching(/^20/) })
    expect(rest).toEqual([''])
  })

  it('writes an error at once, with its stack, its code and its causes, also when they form a circle', () => {
    const target = memory()
    const cause = Object.assign(new Error('disk is full'), { code: 'ENOSPC' })
    cause.cause = cause
    const error = new Error('push failed', { cause })
    createLog({ level: 'error', format: 'json', target }).error('request failed', error, { requestId: 'r1' })
    const line = JSON.parse(target.all())
    expect(line).toMatchObject({ level: 'error', event: 'request failed', requestId: 'r1' })
    expect(line.error).toMatchObject({ name: 'Error', message: 'push failed', cause: { code: 'ENOSPC' } })
    expect(line.error.stack).toContain('create-log.test.ts')
  })

  it('takes whatever was thrown', () => {
    const target = memory()
    const log = createLog({ level: 'error', format: 'json', target })
    const circle: Record<string, unknown> = {}
    circle.self = circle
    for (const thrown of [
      undefined,
      null,
      'text',
      5n,
      Symbol('s'),
      circle,
      new AggregateError([new Error('a')], 'both'),
    ]) {
      log.error('failed', thrown)
    }
    expect(
      target
        .all()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toHaveLength(7)
  })

  it('lets no credential through, in fields, addresses, messages or stacks', () => {
    const target = memory()
    const log = createLog({ level: 'debug', format: 'json', target })
    log.error('failed', new Error('GET https://u:topsecret@host/x?X-Amz-Signature=topsecret'), {
      authorization: 'Basic topsecret',
      proxyAuthorization: 'topsecret',
      set_cookie: 'topsecret',
      refreshToken: 'topsecret',
      header: 'Bearer topsecret.topsecret.topsecret',
      url: 'http://host/a?token=topsecret&x=1',
    })
    expect(target.all()).not.toContain('topsecret')
    expect(target.all()).toContain('x=1')
  })

  it('is text for people on a terminal, and no client can write lines or colours of its own', async () => {
    const target = memory(true)
    createLog({ level: 'info', format: 'auto', target }).info('request', { path: '/v2/', agent: 'a\nb\u001b[31m c' })
    await nextTurn()
    expect(target.all()).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}request {2}path=\/v2\/ {2}agent="a\\nb\\u001b\[31m c"\n$/,
    )
  })

  it('repeats what belongs to a request in each of its lines', async () => {
    const target = memory()
    const log = logWithFields(createLog({ level: 'info', format: 'json', target }), { requestId: 'r1', status: 1 })
    log.info('answered', { status: 200 })
    await nextTurn()
    expect(JSON.parse(target.all())).toMatchObject({ requestId: 'r1', status: 200 })
  })
})
