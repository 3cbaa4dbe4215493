import type { Actor, TokenAccess } from '../core/actor.ts'
import { ANONYMOUS } from '../core/actor.ts'
import type { Database } from '../storage/database.ts'
import { grantRulesOf } from './grant.ts'
import { type GrantRule, type GuardedRepository, grantedRights, seesWithoutGrant, speaksOf } from './granted-rights.ts'
import { RecentlyRead } from './recently-read.ts'
import type { Right } from './role.ts'
import { teamsOf } from './team.ts'
import { findUser } from './user.ts'
import { findVisibleAfter } from './visible-repositories.ts'

/** Who makes a repository by the first push to it: every user who is not barred from it, administrators, nobody. */
export const CREATE_ON_PUSH = ['users', 'admins', 'nobody'] as const
export type CreateOnPush = (typeof CREATE_ON_PUSH)[number]

/** How long another process may go on by what a grant said before, in milliseconds. */
const MAX_AGE_MS = 1_000

const NO_TEAMS: readonly string[] = []

/** Decides who may do what. Changed grants act at once in this process and within a second in the others. */
export class Permissions {
  readonly #database: Database
  readonly #createOnPush: CreateOnPush
  readonly #grants: RecentlyRead<number, readonly GrantRule[]>
  readonly #teams: RecentlyRead<string, readonly string[]>

  constructor(database: Database, createOnPush: CreateOnPush) {
    this.#database = database
    this.#createOnPush = createOnPush
    this.#grants = new RecentlyRead(MAX_AGE_MS, (id) => grantRulesOf(database, id))
    this.#teams = new RecentlyRead(MAX_AGE_MS, (id) => teamsOf(database, id))
  }

  /**
   * A registry token decides alone, by what was written into it, about the repository that it was written for; everybody
   * else is decided by the grants of this moment.
   *
   * @param image  the path inside the repository, or null for the repository as a whole
   */
  async may(actor: Actor, repository: GuardedRepository, image: string | null, right: Right): Promise<boolean> {
    if (actor.tokenAccess) return image !== null && this.#tokenGives(actor, repository, image, right)
    // the hot path needs no grants
    if (right === 'pull' && (actor.isAdmin || seesWithoutGrant(actor, repository.visibility))) return true
    return (await this.rights(actor, repository, image)).has(right)
  }

  /**
   * A token may be older than the repository: then it was given to somebody who might have made it. That another has
   * done so since must not open it, so the holder's rights of this moment decide.
   */
  async #tokenGives(actor: Actor, repository: GuardedRepository, image: string, right: Right): Promise<boolean> {
    const entries = entriesFor(actor, `${repository.name}/${image}`, right)
    if (entries.some(({ repositoryId: id }) => id === undefined || id === repository.id)) return true
    if (!entries.some(({ repositoryId }) => repositoryId === null)) return false
    const { readOnly: _, ...holder } = await this.#holder(actor)
    return (await this.rights(holder, repository, image)).has(right)
  }

  /** Everything that an actor may do by live rights; a registry token has none of those. */
  async rights(actor: Actor, repository: GuardedRepository, image: string | null): Promise<ReadonlySet<Right>> {
    if (actor.tokenAccess) return new Set()
    if (actor.isAdmin) return grantedRights(actor, repository, image, [], NO_TEAMS)
    const teams = actor.kind === 'user' ? await this.#teams.get(actor.id) : NO_TEAMS
    return grantedRights(actor, repository, image, await this.#grants.get(repository.id), teams)
  }

  /**
   * Whether a push to a repository that is not there may make it.
   *
   * @param name  the whole `<repository>/<image>`, which a registry token must speak of
   */
  async mayCreateByPush(actor: Actor, name: string): Promise<boolean> {
    if (this.#createOnPush === 'nobody' || actor.kind !== 'user' || actor.readOnly) return false
    if (actor.tokenAccess && entriesFor(actor, name, 'push').length === 0) return false
    const user = await findUser(this.#database, actor.id)
    if (!user || user.isDisabled) return false
    return user.isAdmin || (this.#createOnPush === 'users' && user.mayCreateRepositories)
  }

  /** Whether somebody may make a repository by saying so, whatever the setting for pushes is. */
  async mayCreate(actor: Actor): Promise<boolean> {
    if (actor.kind !== 'user' || actor.tokenAccess || actor.readOnly) return false
    const user = await findUser(this.#database, actor.id)
    return user !== null && !user.isDisabled && (user.isAdmin || user.mayCreateRepositories)
  }

  /** Whether somebody may know that a repository is there: they may pull all of it, or a part. */
  async maySee(actor: Actor, repository: GuardedRepository): Promise<boolean> {
    if (actor.tokenAccess) return false
    if (await this.may(actor, repository, null, 'pull')) return true
    const teams = actor.kind === 'user' ? await this.#teams.get(actor.id) : NO_TEAMS
    return (await this.#grants.get(repository.id)).some((grant) => speaksOf(grant, actor, teams))
  }

  /**
   * The prefix (`<name>/`) of the next repository that somebody may know of, after a text; null when there is none.
   * What is found is still to be asked about by `maySee`: this may be a second ahead of it.
   */
  nextVisible(actor: Actor, after: string): Promise<string | null> {
    return findVisibleAfter(this.#database, actor, after)
  }

  /**
   * The actor for reading lists such as the catalog: a registry token says only that its holder may ask for the list,
   * what is in it depends on the holder's rights. Null when the token does not say so, and for a stranger: a client that
   * has credentials shows them only when it is asked.
   */
  async readerOfCatalog(actor: Actor): Promise<Actor | null> {
    if (!actor.tokenAccess) return actor.kind === 'anonymous' ? null : actor
    const isGiven = actor.tokenAccess.some(
      ({ type, name, actions }) => type === 'registry' && name === 'catalog' && actions.includes('*'),
    )
    if (!isGiven) return null
    return this.#holder(actor)
  }

  /** Whether the holder of a registry token could get one that gives a right which this one does not. */
  async mightBeGiven(actor: Actor, repository: GuardedRepository, image: string, right: Right): Promise<boolean> {
    if (!actor.tokenAccess) return false
    return (await this.rights(await this.#holder(actor), repository, image)).has(right)
  }

  /** Who holds a registry token, by live rights; only to be read with. */
  async #holder(actor: Actor): Promise<Actor> {
    const user = actor.kind === 'user' ? await findUser(this.#database, actor.id) : null
    if (!user || user.isDisabled) return ANONYMOUS
    return { kind: 'user', id: user.id, name: user.name, isAdmin: user.isAdmin, readOnly: true }
  }

  /** Called after a transaction that changed grants of a repository. */
  forgetGrants(repositoryId: number): void {
    this.#grants.forget(repositoryId)
  }

  /** Called after a transaction that changed who is in which team, or removed users or teams. */
  forgetTeams(): void {
    this.#teams.forgetAll()
    this.#grants.forgetAll()
  }
}

/** What a registry token says of a right to an image, by its whole name. */
function entriesFor(actor: Actor, name: string, right: Right): TokenAccess[] {
  return (actor.tokenAccess ?? []).filter(
    (access) => access.type === 'repository' && access.name === name && access.actions.includes(right),
  )
}
