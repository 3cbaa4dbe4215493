import { AccessTokenShape, MadeAccessTokenShape } from '../src/api/access.ts'
import { pageShape } from '../src/api/page.ts'
import { connect } from './connect.ts'
import { printJson, printLine, printNote, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** The options of `create`. */
export interface NewTokenOptions extends ServerOptions {
  readonly readOnly?: boolean
  readonly expiresInDays?: string
}

/** `seawall token list` */
export async function listTokens(options: ServerOptions): Promise<void> {
  const client = await connect(options)
  const items = await Array.fromAsync(client.list('/tokens', pageShape(AccessTokenShape, 'AccessTokenPage')))
  if (options.json) {
    printJson({ items })
    return
  }
  const rows = items.map((token) => [
    token.id,
    token.name,
    `${token.prefix}…`,
    token.readOnly ? 'read' : 'all',
    token.expiresAt ?? 'never',
    token.lastUsedAt ?? 'never',
  ])
  printTable(['ID', 'NAME', 'SECRET', 'RIGHTS', 'ENDS', 'LAST USED'], rows)
}

/** `seawall token create`: the secret alone goes to the standard output, so that it can be kept by a program. */
export async function createToken(name: string, options: NewTokenOptions): Promise<void> {
  const { readOnly = false, expiresInDays } = options
  if (expiresInDays !== undefined && !/^[1-9]\d{0,3}$/.test(expiresInDays)) {
    throw new UsageError(`--expires-in-days is a number of days, not "${expiresInDays}"`)
  }
  const wish = { name, readOnly, ...(expiresInDays !== undefined && { expiresInDays: Number(expiresInDays) }) }
  const made = await (await connect(options)).post('/tokens', MadeAccessTokenShape, wish)
  if (options.json) {
    printJson(made)
    return
  }
  printNote(`The token "${made.name}" (${made.id}); its secret is shown this once:`)
  printLine(made.secret)
}

/** `seawall token revoke` */
export async function revokeToken(id: string, options: ServerOptions): Promise<void> {
  await (await connect(options)).remove(`/tokens/${encodeURIComponent(id)}`)
  if (options.json) printJson({ id })
  else printLine(`Ended the token ${id}`)
}
