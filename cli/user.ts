import { type UserBody, UserShape } from '../src/api/access.ts'
import { pageShape } from '../src/api/page.ts'
import { connect } from './connect.ts'
import { printFields, printJson, printLine, printTable } from './output.ts'
import { promptSecret, readSecretFromStdin } from './prompt.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** The options of `create`. */
export interface NewUserOptions extends ServerOptions {
  readonly passwordStdin?: boolean
  readonly admin?: boolean
  readonly createRepositories: boolean
}

/** The options of `set`; what is absent stays. */
export interface UserChangeOptions extends ServerOptions {
  readonly password?: boolean
  readonly passwordStdin?: boolean
  readonly admin?: boolean
  readonly disabled?: boolean
  readonly createRepositories?: boolean
}

/** `seawall user list` */
export async function listUsers(options: ServerOptions): Promise<void> {
  const items = await Array.fromAsync((await connect(options)).list('/users', pageShape(UserShape, 'UserPage')))
  if (options.json) {
    printJson({ items })
    return
  }
  const rows = items.map((user) => [
    user.name,
    yesNo(user.isAdmin),
    yesNo(user.mayCreateRepositories),
    yesNo(user.isDisabled),
  ])
  printTable(['NAME', 'ADMINISTRATOR', 'MAKES REPOSITORIES', 'DISABLED'], rows)
}

/** `seawall user create` */
export async function createUser(name: string, options: NewUserOptions): Promise<void> {
  const client = await connect(options)
  const password = await newPassword(name, options.passwordStdin)
  const { admin = false, createRepositories } = options
  const wish = { name, password, isAdmin: admin, mayCreateRepositories: createRepositories }
  print(await client.post('/users', UserShape, wish), options)
}

/** `seawall user set` */
export async function setUser(name: string, options: UserChangeOptions): Promise<void> {
  const { admin, disabled, createRepositories } = options
  const wantsPassword = options.password === true || options.passwordStdin === true
  const client = await connect(options)
  const isOwn = wantsPassword && (await client.get('/user', UserShape)).name === name
  const change = {
    ...(wantsPassword && (await passwordChange(name, isOwn, options.passwordStdin))),
    ...(admin !== undefined && { isAdmin: admin }),
    ...(disabled !== undefined && { isDisabled: disabled }),
    ...(createRepositories !== undefined && { mayCreateRepositories: createRepositories }),
  }
  if (Object.keys(change).length === 0) throw new UsageError('nothing to change is named: --help shows the options')
  print(await client.patch(`/users/${encodeURIComponent(name)}`, UserShape, change), options)
}

/** `seawall user remove` */
export async function removeUser(name: string, options: ServerOptions): Promise<void> {
  await (await connect(options)).remove(`/users/${encodeURIComponent(name)}`)
  if (options.json) printJson({ name })
  else printLine(`Removed ${name}`)
}

/** For one's own the server wants today's too: a stolen token must not take the account over. */
async function passwordChange(
  name: string,
  isOwn: boolean,
  isFromStdin: boolean | undefined,
): Promise<{ password: string; currentPassword?: string }> {
  if (!isOwn) return { password: await newPassword(name, isFromStdin) }
  if (isFromStdin) {
    const [currentPassword = '', password = ''] = (await readSecretFromStdin()).split(/\r?\n/)
    return { password, currentPassword }
  }
  return {
    currentPassword: await promptSecret(`Password of ${name} today: `),
    password: await newPassword(name, false),
  }
}

async function newPassword(name: string, isFromStdin: boolean | undefined): Promise<string> {
  if (isFromStdin) return readSecretFromStdin()
  const password = await promptSecret(`New password of ${name}: `)
  if (password !== (await promptSecret('Once more: '))) throw new UsageError('the two passwords are not the same')
  return password
}

function print(user: UserBody, { json }: ServerOptions): void {
  if (json) {
    printJson(user)
    return
  }
  printFields([
    ['name', user.name],
    ['administrator', yesNo(user.isAdmin)],
    ['makes repositories', yesNo(user.mayCreateRepositories)],
    ['disabled', yesNo(user.isDisabled)],
  ])
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
