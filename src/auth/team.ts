import { RegistryError } from '../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** A named set of users, whom a grant can speak of at once. */
export interface Team {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

interface TeamRow {
  id: string
  name: string
  created_at: number
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/
const NAME_RULE = 'a team name has 1 to 100 of a-z 0-9 . _ - and begins with a letter or a digit'

/** Makes a team; answers null when the name is taken. @throws RegistryError `INVALID` for a bad name */
export async function saveTeam(tx: Transaction, name: string, now: number): Promise<Team | null> {
  if (!NAME.test(name)) throw new RegistryError('INVALID', { name: name.slice(0, 100) }, { message: NAME_RULE })
  const row = await tx.first<TeamRow>`
    insert into teams (id, name, created_at) values (${Bun.randomUUIDv7()}, ${name}, ${now})
    on conflict (name) do nothing returning id, name, created_at`
  return row && teamOf(row)
}

export async function findTeamByName(reader: Reader, name: string): Promise<Team | null> {
  const row = await reader.first<TeamRow>`select id, name, created_at from teams where name = ${name}`
  return row && teamOf(row)
}

export async function findTeam(reader: Reader, id: string): Promise<Team | null> {
  const row = await reader.first<TeamRow>`select id, name, created_at from teams where id = ${id}`
  return row && teamOf(row)
}

/** Teams in order of their names. */
export async function listTeams(reader: Reader, page: PageRequest): Promise<Page<Team>> {
  const rows = await reader.all<TeamRow>`
    select id, name, created_at from teams where name > ${page.after ?? ''} order by name limit ${page.limit + 1}`
  return pageOf(rows.map(teamOf), page.limit, (team) => team.name)
}

/** Removes a team with its memberships and grants; answers false when there was none. */
export async function removeTeam(tx: Transaction, id: string): Promise<boolean> {
  if ((await tx.run`delete from teams where id = ${id}`) === 0) return false
  await tx.run`delete from grants where subject_kind = 'team' and subject_id = ${id}`
  return true
}

/** Adds a user to a team; who is in it already stays. */
export async function saveTeamMember(tx: Transaction, teamId: string, userId: string): Promise<void> {
  await tx.run`
    insert into team_members (team_id, user_id) values (${teamId}, ${userId}) on conflict (team_id, user_id) do nothing`
}

/** Takes a user out of a team; answers false when they were not in it. */
export async function removeTeamMember(tx: Transaction, teamId: string, userId: string): Promise<boolean> {
  return (await tx.run`delete from team_members where team_id = ${teamId} and user_id = ${userId}`) > 0
}

/** The names of a team's members, in order. */
export async function listTeamMembers(reader: Reader, teamId: string, page: PageRequest): Promise<Page<string>> {
  const rows = await reader.all<{ name: string }>`
    select users.name from team_members join users on users.id = team_members.user_id
    where team_members.team_id = ${teamId} and users.name > ${page.after ?? ''}
    order by users.name limit ${page.limit + 1}`
  return pageOf(
    rows.map((row) => row.name),
    page.limit,
    (name) => name,
  )
}

/** The ids of a user's teams. */
export async function teamsOf(reader: Reader, userId: string): Promise<string[]> {
  const rows = await reader.all<{ team_id: string }>`select team_id from team_members where user_id = ${userId}`
  return rows.map((row) => row.team_id)
}

function teamOf(row: TeamRow): Team {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}
