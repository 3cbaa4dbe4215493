import { RegistryError } from '../core/errors.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT'])
const UNAVAILABLE = new Set(['EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ESTALE', 'ENODEV', 'ETIMEDOUT'])

/** The system's word for an error (`ENOENT`), or the empty text. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What a failed file system call means to a client; an error that means nothing special comes back as it is. */
export function diskFailure(error: unknown): unknown {
  const code = systemCode(error)
  if (FULL.has(code)) return new RegistryError('STORAGE_FULL', undefined, { cause: error })
  if (UNAVAILABLE.has(code)) return new RegistryError('UNAVAILABLE', undefined, { cause: error })
  return error
}
