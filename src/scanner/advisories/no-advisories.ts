import type { AdvisoryReader } from './advisory-reader.ts'

/** Where nothing was ever imported: everything is unknown. */
export const NO_ADVISORIES: AdvisoryReader = {
  feeds: async () => [],
  find: async () => new Map(),
  notes: async () => new Map(),
}
