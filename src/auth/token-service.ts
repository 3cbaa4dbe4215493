import type { Action, Actor, TokenAccess } from '../core/actor.ts'
import { ANONYMOUS } from '../core/actor.ts'
import { isImageName, parseImageName } from '../core/names.ts'
import { type Account, actorOf, tokenSubjectOf } from './account.ts'
import type { GuardedRepository } from './granted-rights.ts'
import type { Permissions } from './permissions.ts'
import type { IssuedToken, RegistryTokens } from './registry-tokens.ts'
import type { Right } from './role.ts'
import type { Scope } from './scope.ts'

/** The actions of a repository that a token can carry. */
const ACTIONS: readonly Action[] = ['pull', 'push', 'delete']

/** Turns what a client asks for into a token for what it may have: less than asked is no error, nothing neither. */
export class TokenService {
  readonly #tokens: RegistryTokens
  readonly #permissions: Permissions
  readonly #findRepository: (name: string) => Promise<GuardedRepository | null>

  constructor(
    tokens: RegistryTokens,
    permissions: Permissions,
    findRepository: (name: string) => Promise<GuardedRepository | null>,
  ) {
    this.#tokens = tokens
    this.#permissions = permissions
    this.#findRepository = findRepository
  }

  /** @param account  null for a stranger, who gets a token for what is public */
  async issue(
    account: Account | null,
    scopes: readonly Scope[],
  ): Promise<{ issued: IssuedToken; access: readonly TokenAccess[] }> {
    const actor = account ? actorOf(account) : ANONYMOUS
    const granted = await Promise.all(scopes.map((scope) => this.#granted(actor, scope)))
    const access = granted
      .filter((entry) => entry !== null && entry.actions.length > 0)
      .filter((entry) => entry !== null)
    return { issued: await this.#tokens.issue(tokenSubjectOf(account), access), access }
  }

  async #granted(actor: Actor, { type, name, actions }: Scope): Promise<TokenAccess | null> {
    if (type === 'registry' && name === 'catalog') {
      // anybody may ask for the list: what stands in it is what the asker may read
      return { type, name, actions: actions.includes('*') ? ['*'] : [], repositoryId: null }
    }
    if (type !== 'repository' || !isImageName(name)) return null
    // `*` is an old way of asking for everything; the token says what that is
    const asked = actions.includes('*')
      ? ACTIONS
      : ACTIONS.filter((action) => actions.includes(action)).sort(as(actions))
    const { repository, image } = parseImageName(name)
    const found = await this.#findRepository(repository)
    const rights = found
      ? await this.#permissions.rights(actor, found, image)
      : await this.#rightsToMissing(actor, name, asked)
    return { type, name, actions: asked.filter((action) => rights.has(action)), repositoryId: found?.id ?? null }
  }

  /** Who may not push gets the same for a missing repository as for a private one: nothing. */
  async #rightsToMissing(actor: Actor, name: string, asked: readonly Action[]): Promise<ReadonlySet<Right>> {
    const mayCreate = asked.includes('push') && (await this.#permissions.mayCreateByPush(actor, name))
    const rights: Right[] = mayCreate ? ['pull', 'push'] : []
    // an administrator may know that it is missing
    return new Set(actor.isAdmin && !actor.readOnly ? [...rights, 'pull', 'delete'] : rights)
  }
}

/** The order of the request: clients keep tokens by it. */
function as(order: readonly string[]): (a: string, b: string) => number {
  return (a, b) => order.indexOf(a) - order.indexOf(b)
}
