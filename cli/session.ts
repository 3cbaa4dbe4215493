import { hostname } from 'node:os'
import { MadeAccessTokenShape, UserShape } from '../src/api/access.ts'
import { ApiClient, ApiError, ConnectionError } from '../src/api/client.ts'
import { clientFor } from './api-client.ts'
import { chooseServer } from './choose-server.ts'
import { credentialsPath, forgetLogin, readCredentials, type SavedLogin, saveLogin } from './credentials.ts'
import { printFields, printJson, printLine, printNote } from './output.ts'
import { promptLine, promptSecret, readSecretFromStdin } from './prompt.ts'
import { hostOf, parseServerAddress } from './server-address.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** How to sign in. */
export interface LoginOptions {
  readonly user?: string
  readonly passwordStdin?: boolean
  readonly tokenStdin?: boolean
  readonly json?: boolean
}

/** `seawall login` */
export async function login(named: string | undefined, options: LoginOptions): Promise<void> {
  if (options.passwordStdin && options.tokenStdin) {
    throw new UsageError('the standard input holds one secret: use --password-stdin or --token-stdin')
  }
  const { server } =
    named === undefined ? await chooseServer(undefined, process.env) : { server: parseServerAddress(named) }
  if (!isPrivate(server)) printNote(`seawall: warning: what you send to ${server} can be read on the way; use https`)
  const made = options.tokenStdin ? await keepToken(server) : await makeToken(server, options)
  const before = (await readCredentials(process.env)).logins.find((login) => login.server === server)
  await saveLogin(process.env, made)
  if (before) await endToken(before).catch(() => {}) // it ends by itself or with the account
  if (options.json) printJson({ server, user: made.user })
  else printLine(`Signed in to ${server} as ${made.user}; the token is in ${credentialsPath(process.env)}`)
}

/** `seawall logout` */
export async function logout(named: string | undefined, options: ServerOptions): Promise<void> {
  const { current, logins } = await readCredentials(process.env)
  const server = named === undefined ? current : parseServerAddress(named)
  const known = logins.find((login) => login.server === server)
  if (!known) throw new UsageError(server === null ? 'you are not signed in' : `you are not signed in to ${server}`)
  await forgetLogin(process.env, known.server)
  await endToken(known).catch((error: unknown) => {
    if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error
    printNote(`seawall: warning: the token is forgotten here but was not ended on the server: ${error.message}`)
  })
  if (options.json) printJson({ server: known.server })
  else printLine(`Signed out of ${known.server}`)
}

/** `seawall whoami` */
export async function whoami(options: ServerOptions): Promise<void> {
  const choice = await chooseServer(options.server, process.env)
  const user = await clientFor(choice).get('/user', UserShape)
  if (options.json) {
    printJson({ server: choice.server, ...user })
    return
  }
  printFields([
    ['server', `${choice.server} (${choice.from})`],
    ['user', user.name],
    ['administrator', user.isAdmin ? 'yes' : 'no'],
  ])
}

async function keepToken(server: string): Promise<SavedLogin> {
  const token = await readSecretFromStdin()
  const { name } = await clientFor({ server, token, from: 'login' }).get('/user', UserShape)
  return { server, user: name, token }
}

async function makeToken(server: string, { user, passwordStdin }: LoginOptions): Promise<SavedLogin> {
  const name = user ?? (await promptLine(`User of ${hostOf(server)}: `))
  const password = passwordStdin ? await readSecretFromStdin() : await promptSecret(`Password of ${name}: `)
  const authorization = `Basic ${Buffer.from(`${name}:${password}`, 'utf8').toString('base64')}`
  const client = new ApiClient({ server, authorization })
  try {
    const wish = { name: `seawall login on ${hostname()}`.slice(0, 100) }
    const { id, secret } = await client.post('/tokens', MadeAccessTokenShape, wish)
    return { server, user: name, token: secret, tokenId: id }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    throw new Error(`${server} refuses this user with this password`, { cause: error })
  }
}

/** Only one that `login` made: a token that somebody gave us may be used elsewhere. */
async function endToken({ server, token, tokenId }: SavedLogin): Promise<void> {
  if (tokenId === undefined) return
  await clientFor({ server, token, from: 'login' }).remove(`/tokens/${encodeURIComponent(tokenId)}`)
}

function isPrivate(server: string): boolean {
  return server.startsWith('https:') || server === parseServerAddress(hostOf(server))
}
