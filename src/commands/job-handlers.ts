import type { App } from '../app.ts'
import type { JobHandler } from '../jobs/worker.ts'

/** Who does which kind of job. */
export function jobHandlers(_app: App): Record<string, JobHandler> {
  return {}
}
