import { z } from 'zod'
import { SubjectError } from './image-subject.ts'
import type { RegistryCredentials } from './registry-credentials.ts'

const answer = z.object({ Username: z.string(), Secret: z.string() })

/** A helper may ask a person for something; then the person is there and quick. */
const HELPER_MS = 60_000

/** The user name that says "this is an identity token" (docker-credential-helpers). */
const TOKEN_USER = '<token>'

/**
 * Asks `docker-credential-<helper>` for a login (the protocol of docker-credential-helpers); null when it has none.
 *
 * @throws SubjectError when the helper is not there or fails
 */
export async function askCredentialHelper(
  helper: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RegistryCredentials | null> {
  const program = `docker-credential-${helper}`
  // The name comes from a file: it must not be a path.
  const path = /^[\w.-]+$/.test(helper) ? Bun.which(program, { PATH: env.PATH ?? '' }) : null
  if (path === null) throw new SubjectError(`The credential helper ${program} is not on the PATH.`)
  const child = Bun.spawn([path, 'get'], {
    stdin: new Blob([server]),
    stdout: 'pipe',
    stderr: 'ignore',
    env: { ...env },
    timeout: HELPER_MS,
    killSignal: 'SIGKILL',
  })
  const [output, code] = await Promise.all([child.stdout.text(), child.exited])
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return null
    throw new SubjectError(`The credential helper ${program} fails: ${output.trim().slice(0, 300) || `code ${code}`}.`)
  }
  return credentialsOf(output, program)
}

function credentialsOf(output: string, from: string): RegistryCredentials | null {
  try {
    const { Username: user, Secret: secret } = answer.parse(JSON.parse(output))
    if (secret === '') return null
    return user === TOKEN_USER
      ? { kind: 'identity-token', token: secret, from }
      : { kind: 'password', user, password: secret, from }
  } catch (cause) {
    throw new SubjectError(`The credential helper ${from} gives an answer that makes no sense.`, { cause })
  }
}
