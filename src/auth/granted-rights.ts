import type { Actor } from '../core/actor.ts'
import { EVERY_IMAGE, type Glob, matchesGlob } from '../core/glob.ts'
import type { RepositoryRecord, Visibility } from '../core/repository.ts'
import { EVERY_RIGHT, type Right, type Role, rightsOf } from './role.ts'

/** What permissions need to know of a repository. */
export type GuardedRepository = Pick<RepositoryRecord, 'id' | 'name' | 'visibility'>

/** Whom a grant speaks of. */
export const SUBJECT_KINDS = ['user', 'team', 'signed-in', 'anonymous'] as const
export type SubjectKind = (typeof SUBJECT_KINDS)[number]

/** The part of a grant that decides. */
export interface GrantRule {
  readonly glob: Glob
  readonly subjectKind: SubjectKind
  /** A user's or a team's id; empty for the other kinds. */
  readonly subjectId: string
  readonly role: Role
}

/**
 * What an actor who acts by live rights, not by a registry token, may do with an image.
 *
 * @param image  the path inside the repository, or null for the repository as a whole: then only grants over every
 *   image count
 * @param teams  the ids of the actor's teams
 */
export function grantedRights(
  actor: Actor,
  repository: GuardedRepository,
  image: string | null,
  grants: readonly GrantRule[],
  teams: readonly string[],
): ReadonlySet<Right> {
  const rights = new Set<Right>()
  if (actor.isAdmin) for (const right of EVERY_RIGHT) rights.add(right)
  if (seesWithoutGrant(actor, repository.visibility)) rights.add('pull')
  for (const grant of grants) {
    if (!speaksOf(grant, actor, teams) || !covers(grant.glob, image)) continue
    for (const right of rightsOf(grant.role)) rights.add(right)
  }
  if (actor.readOnly) return rights.has('pull') ? new Set<Right>(['pull']) : new Set()
  return rights
}

/** Who may pull without a grant. Private: nobody; internal: everybody who is signed in; public: everybody. */
export function seesWithoutGrant(actor: Actor, visibility: Visibility): boolean {
  return visibility === 'public' || (visibility === 'internal' && actor.kind !== 'anonymous')
}

function covers(glob: Glob, image: string | null): boolean {
  return image === null ? glob.text === EVERY_IMAGE : matchesGlob(glob, image)
}

/** Whether a grant is for this actor, whatever image it covers. */
export function speaksOf(grant: GrantRule, actor: Actor, teams: readonly string[]): boolean {
  switch (grant.subjectKind) {
    case 'anonymous':
      return true // what is given to strangers is given to everybody
    case 'signed-in':
      return actor.kind === 'user'
    case 'user':
      return actor.kind === 'user' && grant.subjectId === actor.id
    case 'team':
      return actor.kind === 'user' && teams.includes(grant.subjectId)
  }
}
