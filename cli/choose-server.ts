import { type Credentials, readCredentials } from './credentials.ts'
import type { Environment } from './environment.ts'
import { hostOf, parseServerAddress } from './server-address.ts'
import { UsageError } from './usage-error.ts'

/** Which server a command speaks to, and with what. */
export interface ServerChoice {
  readonly server: string
  /** An access token; null for a stranger. */
  readonly token: string | null
  /** Why it is this one, for people: `--server`, `SEAWALL_SERVER` or `seawall login`. */
  readonly from: string
}

/** The server that a command names: `--server`, else `SEAWALL_SERVER`, else the one signed in to last; null for none. */
export async function findServer(wanted: string | undefined, env: Environment): Promise<ServerChoice | null> {
  const credentials = await readCredentials(env)
  if (wanted !== undefined) return choice(parseServerAddress(wanted), '--server', credentials, env)
  if (env.SEAWALL_SERVER) return choice(parseServerAddress(env.SEAWALL_SERVER), 'SEAWALL_SERVER', credentials, env)
  return credentials.current === null ? null : choice(credentials.current, 'seawall login', credentials, env)
}

/** @throws UsageError when no server is named */
export async function chooseServer(wanted: string | undefined, env: Environment): Promise<ServerChoice> {
  const found = await findServer(wanted, env)
  if (found) return found
  throw new UsageError(
    'no server is named: sign in with "seawall login <address>", or set --server or SEAWALL_SERVER and SEAWALL_TOKEN',
  )
}

/** The server that a reference such as `host/demo/app:1` begins with, where it is one that we know. */
export async function serverOfReference(reference: string, env: Environment): Promise<ServerChoice | null> {
  const host = reference.slice(0, Math.max(reference.indexOf('/'), 0))
  const credentials = await readCredentials(env)
  const named = env.SEAWALL_SERVER ? [parseServerAddress(env.SEAWALL_SERVER)] : []
  const known = [...named, ...credentials.logins.map((login) => login.server)]
  const server = known.find((each) => hostOf(each) === host)
  return server === undefined ? null : choice(server, 'the reference', credentials, env)
}

/** `SEAWALL_TOKEN` is for the server of `SEAWALL_SERVER`; another one never gets to see it. */
function choice(server: string, from: string, { logins }: Credentials, env: Environment): ServerChoice {
  const isMeant = !env.SEAWALL_SERVER || parseServerAddress(env.SEAWALL_SERVER) === server
  const own = env.SEAWALL_TOKEN && isMeant ? env.SEAWALL_TOKEN : null
  return { server, token: own ?? logins.find((login) => login.server === server)?.token ?? null, from }
}
