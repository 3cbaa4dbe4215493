/** What is shown to an upstream; a token that some cloud gives out is a password, with the user's name that it says. */
export type UpstreamCredentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** A refresh token, as `docker login` gets from some registries. */
  | { readonly kind: 'identity-token'; readonly token: string }

/** RFC 7617, in UTF-8. */
export function basicAuthorization({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}
