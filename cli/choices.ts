import type { NewGrantBody } from '../src/api/access.ts'
import type { RepositoryBody } from '../src/api/repository.ts'

/** The words that options take. They stand here once more so that no command line has to load the schemas. */
export const VISIBILITIES = ['private', 'internal', 'public'] as const satisfies readonly RepositoryBody['visibility'][]
export const COMPLETENESSES = ['full', 'index', 'any'] as const satisfies readonly RepositoryBody['completeness'][]
export const MODES = ['off', 'warn', 'deny'] as const satisfies readonly RepositoryBody['policy']['mode'][]
export const DECISIONS = ['allow', 'warn', 'deny'] as const satisfies readonly RepositoryBody['policy']['unscanned'][]
export const ROLES = ['reader', 'writer', 'maintainer', 'admin'] as const satisfies readonly NewGrantBody['role'][]
export const SEVERITIES = [
  'unknown',
  'negligible',
  'low',
  'medium',
  'high',
  'critical',
] as const satisfies readonly RepositoryBody['policy']['blockSeverity'][]
