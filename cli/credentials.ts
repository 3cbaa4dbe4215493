import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Environment } from './environment.ts'

const savedLogin = z.object({
  server: z.string(),
  user: z.string(),
  token: z.string(),
  /** For `seawall logout`; absent for a token that was made elsewhere. */
  tokenId: z.string().optional(),
})

const credentials = z.object({ current: z.string().nullable(), logins: z.array(savedLogin) })

/** An access token for a server. */
export type SavedLogin = z.infer<typeof savedLogin>

/** Everything that `seawall login` has kept; `current` is the server that was signed in to last. */
export type Credentials = z.infer<typeof credentials>

/** `${XDG_CONFIG_HOME:-~/.config}/seawall/credentials.json` */
export function credentialsPath(env: Environment): string {
  const home = env.HOME || homedir()
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'seawall', 'credentials.json')
}

/** @throws Error with a sentence for people when the file is damaged */
export async function readCredentials(env: Environment): Promise<Credentials> {
  const path = credentialsPath(env)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new Error(`${path} cannot be read: ${error.message}`, { cause: error })
  })
  if (text === null) return { current: null, logins: [] }
  const parsed = credentials.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new Error(`${path} is damaged: remove it and sign in again with "seawall login"`)
}

/** Adds or replaces the login of a server, and makes it the current one. */
export async function saveLogin(env: Environment, login: SavedLogin): Promise<void> {
  const { logins } = await readCredentials(env)
  const others = logins.filter(({ server }) => server !== login.server)
  await write(env, { current: login.server, logins: [...others, login] })
}

/** Forgets the login of a server. */
export async function forgetLogin(env: Environment, server: string): Promise<void> {
  const { current, logins } = await readCredentials(env)
  const others = logins.filter((login) => login.server !== server)
  await write(env, { current: current === server ? (others.at(-1)?.server ?? null) : current, logins: others })
}

/** The file is never there half, nor for a moment readable by others. */
async function write(env: Environment, value: Credentials): Promise<void> {
  const path = credentialsPath(env)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const unfinished = `${path}.${process.pid}`
  try {
    await writeFile(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
    await chmod(unfinished, 0o600) // also where a file of that name was left behind
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
