import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Handler } from './request-context.ts'

/** Something the program cannot work without. */
export interface Dependency {
  readonly name: string
  /** Resolves when it answers. */
  ping(): Promise<void>
}

/** What readiness needs to be told. */
export interface ReadinessOptions {
  readonly dependencies: readonly Dependency[]
  readonly log: Log
  readonly timeoutMs?: number
  /** How long an answer is good for, so that many who ask are one question. */
  readonly cacheMs?: number
  readonly clock?: Clock
}

type Checks = Readonly<Record<string, 'ok' | 'failed'>>

const NO_STORE = { 'cache-control': 'no-store' }

/** `/healthz`: the process lives and its event loop turns. A fault elsewhere is no reason to end the process. */
export const getHealth: Handler = () => Response.json({ status: 'ok' }, { headers: NO_STORE })

/** `/readyz`: whether everything that requests need answers in time; 503 when not. Says which, and not why: that is in the log. */
export function createReadiness(options: ReadinessOptions): Handler {
  const { dependencies, log, timeoutMs = 2000, cacheMs = 1000, clock = Date.now } = options
  let checks: Promise<Checks> | null = null
  let checkedAt = 0

  return async () => {
    if (checks === null || clock() - checkedAt >= cacheMs) {
      checkedAt = clock()
      checks = checkAll(dependencies, timeoutMs, log)
    }
    const found = await checks
    const isReady = Object.values(found).every((check) => check === 'ok')
    const body = { status: isReady ? 'ok' : 'unavailable', checks: found }
    return Response.json(body, { status: isReady ? 200 : 503, headers: NO_STORE })
  }
}

async function checkAll(dependencies: readonly Dependency[], timeoutMs: number, log: Log): Promise<Checks> {
  const results = dependencies.map(async (each) => [each.name, await check(each, timeoutMs, log)] as const)
  return Object.fromEntries(await Promise.all(results))
}

async function check(dependency: Dependency, timeoutMs: number, log: Log): Promise<'ok' | 'failed'> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([dependency.ping(), tooLate])
    return 'ok'
  } catch (error) {
    log.error('not ready', error, { dependency: dependency.name })
    return 'failed'
  } finally {
    clearTimeout(timer)
  }
}
