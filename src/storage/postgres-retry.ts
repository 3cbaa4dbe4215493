import { isConflict, isLost, postgresFailure } from './postgres-failure.ts'

/** How often the same is tried in all when transactions stand in each other's way. */
const MAX_ATTEMPTS = 10
/** How often in all when the connection was lost: the server may be gone for long, and clients can try again too. */
const MAX_LOST = 3
/** The longest pause before the second attempt, in milliseconds; it doubles from there. */
const FIRST_PAUSE_MS = 20
/** The longest pause of all, in milliseconds. */
const LAST_PAUSE_MS = 400

/** Thrown in place of an error after which nothing has happened, so that the same may be tried again. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain'

  constructor(cause: unknown) {
    super('nothing has happened yet', { cause })
  }
}

/** What to throw for a failure before anything was committed. */
export function beforeCommit(error: unknown): unknown {
  return isLost(error) || isConflict(error) ? new TryAgain(error) : postgresFailure(error)
}

/** Tries again after `TryAgain`, a bounded number of times, with pauses that differ so that rivals part. */
export async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error
      if (tried >= (isLost(error.cause) ? MAX_LOST : MAX_ATTEMPTS)) throw postgresFailure(error.cause)
    }
    await Bun.sleep(Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** (tried - 1), LAST_PAUSE_MS))
  }
}
