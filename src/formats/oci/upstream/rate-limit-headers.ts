import type { Clock } from '../../../core/clock.ts'
import type { RateLimit } from '../../../repositories/upstream.ts'

interface Quota {
  readonly count: number
  readonly windowSeconds: number | null
}

/**
 * Reads `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 76;w=21600`, Docker Hub's headers; of several windows
 * the one with the least left. Null when nothing is said: then there is no limit, or none that is told.
 */
export function parseRateLimit(headers: Headers, clock: Clock): RateLimit | null {
  const remaining = quotasOf(headers.get('ratelimit-remaining'))
  const tightest = remaining.toSorted((a, b) => a.count - b.count)[0]
  if (!tightest) return null
  const limits = quotasOf(headers.get('ratelimit-limit'))
  const limit = limits.find(({ windowSeconds }) => windowSeconds === tightest.windowSeconds) ?? limits[0]
  return {
    limit: limit?.count ?? null,
    remaining: tightest.count,
    windowSeconds: tightest.windowSeconds ?? limit?.windowSeconds ?? null,
    seenAt: clock(),
  }
}

function quotasOf(header: string | null): Quota[] {
  return (header ?? '').split(',').flatMap((part) => {
    const [, count, parameters = ''] = /^\s*(\d{1,15})\s*((?:;.*)?)$/.exec(part) ?? []
    if (count === undefined) return []
    const window = /;\s*w\s*=\s*(\d{1,15})\s*(?:;|$)/i.exec(parameters)?.[1]
    return [{ count: Number(count), windowSeconds: window === undefined ? null : Number(window) }]
  })
}
