/**
 * Says what went wrong in words for people; only a bug shows where it happened.
 *
 * Errors are told by their names: this file is loaded by every command, and must load nothing itself.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `seawall: ${Bun.inspect(error)}`
  if (error instanceof TypeError || error instanceof ReferenceError) return Bun.inspect(error)
  const cause =
    error.name === 'RegistryError' && error.cause instanceof Error ? `\n  because: ${error.cause.message}` : ''
  return `seawall: ${error.message}${cause}${advice(error)}`
}

/** What to do about a refusal of the server. */
function advice(error: Error): string {
  if (error.name !== 'ApiError' || !('status' in error)) return ''
  const id = 'requestId' in error && error.requestId ? `\n  request id: ${error.requestId}` : ''
  if (error.status === 401)
    return '\n  Sign in with "seawall login <address>", or set SEAWALL_SERVER and SEAWALL_TOKEN.'
  return typeof error.status === 'number' && error.status >= 500 ? id : ''
}
