import type { Action } from '../core/actor.ts'

/** What a role gives over a repository: the token's actions, its settings (`manage`), and who else may (`grant`). */
export type Right = Action | 'manage' | 'grant'

/** The roles a grant may give, weakest first. */
export const ROLES = ['reader', 'writer', 'maintainer', 'admin'] as const
export type Role = (typeof ROLES)[number]

const RIGHTS: Record<Role, readonly Right[]> = {
  reader: ['pull'],
  writer: ['pull', 'push'],
  maintainer: ['pull', 'push', 'delete', 'manage'],
  admin: ['pull', 'push', 'delete', 'manage', 'grant'],
}

/** Everything that can be done with a repository. */
export const EVERY_RIGHT: readonly Right[] = RIGHTS.admin

export function rightsOf(role: Role): readonly Right[] {
  return RIGHTS[role]
}

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text)
}
