/** A token that some cloud gives out is a password too, with the user's name that it says. */
export interface UpstreamPassword {
  readonly kind: 'password'
  readonly user: string
  readonly password: string
}

/** What is shown to an upstream. */
export type UpstreamCredentials =
  | UpstreamPassword
  /** A refresh token, as `docker login` gets from some registries. */
  | { readonly kind: 'identity-token'; readonly token: string }

/** Gives the credentials each time they are needed, so that they may change, and are not asked for in vain. */
export type CredentialSource = () => Promise<UpstreamCredentials | null>

/** For upstreams that know nobody. */
export const NO_CREDENTIALS: CredentialSource = async () => null

/** RFC 7617, in UTF-8. */
export function basicAuthorization({ user, password }: UpstreamPassword): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}
