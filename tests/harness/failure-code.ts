import { RegistryError } from '../../src/core/errors.ts'

/** The code that a promise fails with; any other error, or none, is told in words. */
export function failureCode(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof RegistryError ? error.code : `not a RegistryError: ${error}`),
  )
}
