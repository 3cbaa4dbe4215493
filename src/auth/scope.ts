import { RegistryError } from '../core/errors.ts'

/** One thing that a client asks a token for (distribution "token scope documentation"). */
export interface Scope {
  readonly type: string
  readonly name: string
  /** In the order of the request, without repetition. */
  readonly actions: readonly string[]
}

/** Most scopes in one request for a token. */
export const MAX_SCOPES = 100
/** Longest scope parameter, or sum of them, in characters. */
export const MAX_SCOPE_LENGTH = 16 * 1024

const TYPE = /^[a-z0-9]+(?:\([a-z0-9]*\))?$/
const ACTION = /^(?:[a-z]+|\*)$/

/**
 * Reads `scope` parameters: each may hold several scopes with spaces between them, and the parameter may be repeated.
 *
 * What is not a scope is passed over, because to grant less than was asked is no error. Scopes of one thing are joined.
 *
 * @throws RegistryError `INVALID` for more than a client has reason to ask
 */
export function parseScopes(parameters: readonly string[]): Scope[] {
  const length = parameters.reduce((sum, text) => sum + text.length, 0)
  const texts = length > MAX_SCOPE_LENGTH ? [] : parameters.flatMap((text) => text.split(' ')).filter(Boolean)
  if (length > MAX_SCOPE_LENGTH || texts.length > MAX_SCOPES) {
    throw new RegistryError('INVALID', { scopes: MAX_SCOPES }, { message: 'too many scopes in one request' })
  }
  const joined = new Map<string, Scope>()
  for (const scope of texts.map(parseScope)) {
    if (!scope) continue
    const key = `${scope.type}:${scope.name}`
    const actions = new Set([...(joined.get(key)?.actions ?? []), ...scope.actions])
    joined.set(key, { ...scope, actions: [...actions] })
  }
  return [...joined.values()]
}

/** A name may hold a colon (`host:port/name`), so the type ends at the first colon and the actions begin at the last. */
export function parseScope(text: string): Scope | null {
  const first = text.indexOf(':')
  const last = text.lastIndexOf(':')
  if (first < 0 || last === first) return null
  const type = text.slice(0, first)
  const name = text.slice(first + 1, last)
  if (!TYPE.test(type) || name === '') return null
  const actions = text.slice(last + 1).split(',')
  // the class, `repository(plugin)`, is deprecated and means the type
  return {
    type: type.replace(/\(.*/, ''),
    name,
    actions: [...new Set(actions.filter((action) => ACTION.test(action)))],
  }
}

export function formatScope(scope: Scope): string {
  return `${scope.type}:${scope.name}:${scope.actions.join(',')}`
}
