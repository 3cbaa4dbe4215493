import { TeamShape } from '../src/api/access.ts'
import { pageShape } from '../src/api/page.ts'
import { connect } from './connect.ts'
import { printJson, printLine, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'

/** `seawall team list` */
export async function listTeams(options: ServerOptions): Promise<void> {
  const items = await Array.fromAsync((await connect(options)).list('/teams', pageShape(TeamShape, 'TeamPage')))
  if (options.json) {
    printJson({ items })
    return
  }
  printTable(
    ['NAME', 'MADE'],
    items.map(({ name, createdAt }) => [name, createdAt]),
  )
}

/** `seawall team create` */
export async function createTeam(name: string, options: ServerOptions): Promise<void> {
  const team = await (await connect(options)).post('/teams', TeamShape, { name })
  say(options, team, `Made the team ${team.name}`)
}

/** `seawall team remove` */
export async function removeTeam(name: string, options: ServerOptions): Promise<void> {
  await (await connect(options)).remove(`/teams/${encodeURIComponent(name)}`)
  say(options, { name }, `Removed the team ${name}`)
}

/** `seawall team add` */
export async function addMembers(name: string, users: readonly string[], options: ServerOptions): Promise<void> {
  const client = await connect(options)
  for (const user of users) await client.put(pathOf(name, user))
  say(options, { name, users }, `Added ${users.join(', ')} to ${name}`)
}

/** `seawall team take-out` */
export async function takeOutMembers(name: string, users: readonly string[], options: ServerOptions): Promise<void> {
  const client = await connect(options)
  for (const user of users) await client.remove(pathOf(name, user))
  say(options, { name, users }, `Took ${users.join(', ')} out of ${name}`)
}

function pathOf(team: string, user: string): string {
  return `/teams/${encodeURIComponent(team)}/members/${encodeURIComponent(user)}`
}

function say({ json }: ServerOptions, value: object, words: string): void {
  if (json) printJson(value)
  else printLine(words)
}
