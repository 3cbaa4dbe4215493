import type { Actor } from '../core/actor.ts'
import type { Reader } from '../storage/database.ts'

/**
 * The prefix (`<name>/`) of the first repository that somebody may know of and whose prefix comes after a text; null
 * when there is none.
 *
 * However many others there are, each question here is the beginning of an index, or as long as the actor's own grants.
 * An administrator sees everything and need not ask.
 */
export async function findVisibleAfter(reader: Reader, actor: Actor, after: string): Promise<string | null> {
  const isUser = actor.kind === 'user'
  const alsoOpen = isUser ? 'internal' : 'public'
  const anyone = isUser ? 'signed-in' : 'anonymous'
  const user = isUser ? actor.id : ''
  const row = await reader.first<{ prefix: string | null }>`
    select min(prefix) as prefix from (
      select min(prefix) as prefix from repositories where visibility = 'public' and prefix > ${after}
      union all
      select min(prefix) from repositories where visibility = ${alsoOpen} and prefix > ${after}
      union all
      select min(r.prefix) from grants g join repositories r on r.id = g.repository_id
      where g.subject_kind = 'anonymous' and g.subject_id = '' and r.prefix > ${after}
      union all
      select min(r.prefix) from grants g join repositories r on r.id = g.repository_id
      where g.subject_kind = ${anyone} and g.subject_id = '' and r.prefix > ${after}
      union all
      select min(r.prefix) from grants g join repositories r on r.id = g.repository_id
      where g.subject_kind = 'user' and g.subject_id = ${user} and r.prefix > ${after}
      union all
      select min(r.prefix) from team_members m
      join grants g on g.subject_kind = 'team' and g.subject_id = m.team_id
      join repositories r on r.id = g.repository_id
      where m.user_id = ${user} and r.prefix > ${after}
    ) as each`
  return row?.prefix ?? null
}
