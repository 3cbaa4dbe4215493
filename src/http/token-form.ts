import { RegistryError } from '../core/errors.ts'
import { readBounded } from './bounded-body.ts'

/** Largest form that asks for a token, in bytes: scopes are most of it. */
const MAX_FORM_BYTES = 64 * 1024

/** A failure of the token service by POST, as OAuth words it (RFC 6749, section 5.2). */
export type OAuthError = 'invalid_request' | 'invalid_grant' | 'invalid_scope' | 'unsupported_grant_type'

/** Reads the form of a `POST`. @throws RegistryError `INVALID` when it is too large or no form */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') throw badForm('the body must be application/x-www-form-urlencoded')
  const bytes = await readBounded(request, MAX_FORM_BYTES)
  if (!bytes) throw badForm(`the form has more than ${MAX_FORM_BYTES} bytes`)
  return new URLSearchParams(new TextDecoder().decode(bytes))
}

/** A field that a grant cannot do without. @throws RegistryError `INVALID` */
export function requiredField(form: URLSearchParams, name: string): string {
  const value = form.get(name)
  if (value !== null && value !== '') return value
  throw badForm(`the form has no ${name}`)
}

function badForm(message: string): RegistryError {
  return oauthFailure('invalid_request', message)
}

/** An `INVALID` that tells how OAuth calls it. */
export function oauthFailure(error: OAuthError, message: string): RegistryError {
  return new RegistryError('INVALID', { error }, { message })
}
