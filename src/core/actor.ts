/** What somebody may do; the words of the Docker token scope grammar, so that a token says them as they are. */
export type Action = 'pull' | 'push' | 'delete'

/** One entry of a registry token's `access` claim (distribution "token authentication", JWT claims). */
export interface TokenAccess {
  readonly type: 'repository' | 'registry'
  readonly name: string
  readonly actions: readonly string[]
  /** Of the repository that was meant; null when there was none of that name, and whoever makes it later decides. */
  readonly repositoryId?: number | null | undefined
}

/** Who asks. Made by the authentication step, checked by the registry's doors. */
export interface Actor {
  readonly kind: 'anonymous' | 'user' | 'system'
  /** The user's id; `anonymous` and `system` for the other two kinds. */
  readonly id: string
  /** The name that people read in logs, history and audit. */
  readonly name: string
  readonly isAdmin: boolean
  /** Set for an access token that was made to read only: its owner's rights, but never more than to look and pull. */
  readonly readOnly?: true
  /** Set for a registry token: it grants exactly these, decided when it was issued, and nothing else. */
  readonly tokenAccess?: readonly TokenAccess[]
}

export const ANONYMOUS: Actor = { kind: 'anonymous', id: 'anonymous', name: 'anonymous', isAdmin: false }

/** The program itself: jobs, migrations, the scanner. */
export const SYSTEM: Actor = { kind: 'system', id: 'system', name: 'seawall', isAdmin: true }
