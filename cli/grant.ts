import { type GrantBody, GrantShape, type NewGrantBody } from '../src/api/access.ts'
import { pageShape } from '../src/api/page.ts'
import { connect } from './connect.ts'
import { printJson, printLine, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** The options of `add`: one of the four says to whom. */
export interface NewGrantOptions extends ServerOptions {
  readonly role: NewGrantBody['role']
  readonly images: string
  readonly user?: string
  readonly team?: string
  readonly signedIn?: boolean
  readonly anonymous?: boolean
}

/** `seawall grant list` */
export async function listGrants(repository: string, options: ServerOptions): Promise<void> {
  const client = await connect(options)
  const items = await Array.fromAsync(client.list(pathOf(repository), pageShape(GrantShape, 'GrantPage')))
  if (options.json) {
    printJson({ items })
    return
  }
  const rows = items.map((grant) => [grant.id, subjectOf(grant), grant.role, grant.images])
  printTable(['ID', 'TO', 'ROLE', 'IMAGES'], rows)
}

/** `seawall grant add` */
export async function addGrant(repository: string, options: NewGrantOptions): Promise<void> {
  const { role, images } = options
  const wish = { role, images, ...wishedSubject(options) }
  const grant = await (await connect(options)).post(pathOf(repository), GrantShape, wish)
  if (options.json) {
    printJson(grant)
    return
  }
  printLine(`${subjectOf(grant)}: ${grant.role} of ${repository}/${grant.images}`)
}

/** `seawall grant remove` */
export async function removeGrant(repository: string, id: string, options: ServerOptions): Promise<void> {
  await (await connect(options)).remove(`${pathOf(repository)}/${encodeURIComponent(id)}`)
  if (options.json) printJson({ id })
  else printLine(`Took the grant ${id} back`)
}

function pathOf(repository: string): string {
  return `/repositories/${encodeURIComponent(repository)}/grants`
}

function wishedSubject({ user, team, signedIn, anonymous }: NewGrantOptions): Omit<NewGrantBody, 'role' | 'images'> {
  const wishes = [
    ...(user === undefined ? [] : [{ subjectKind: 'user' as const, subject: user }]),
    ...(team === undefined ? [] : [{ subjectKind: 'team' as const, subject: team }]),
    ...(signedIn ? [{ subjectKind: 'signed-in' as const }] : []),
    ...(anonymous ? [{ subjectKind: 'anonymous' as const }] : []),
  ]
  const [wish] = wishes
  if (wish && wishes.length === 1) return wish
  throw new UsageError('say to whom: one of --user, --team, --signed-in and --anonymous')
}

function subjectOf({ subjectKind, subject }: GrantBody): string {
  return subject === null ? subjectKind : `${subjectKind} ${subject}`
}
