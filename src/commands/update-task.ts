import type { Config } from '../config/config.ts'
import type { AdvisorySource } from '../scanner/advisories/public-sources.ts'

/** The command of `main.ts` that calls `runUpdateChild`. */
export const UPDATE_CHILD_COMMAND = 'update-advisories-child'

/** What a process that updates the advisories is told, as plain data. */
export interface UpdateTask {
  /** Its address with the password: it goes through a channel that only the two processes have. */
  readonly database: string
  readonly sources: readonly AdvisorySource[]
  readonly mirrorUrl: string | null
  /** Whoever gave the task removes it. */
  readonly temporaryFolder: string
  readonly log: Config['log']
}

/** How it ended: null when the work was done, else why not. */
export interface UpdateEnd {
  readonly failure: string | null
}
