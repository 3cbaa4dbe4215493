import type { Account } from '../auth/account.ts'
import type { Auth } from '../auth/auth.ts'
import type { IssuedToken } from '../auth/registry-tokens.ts'
import { formatScope, parseScopes } from '../auth/scope.ts'
import { RegistryError } from '../core/errors.ts'
import { errorResponse } from '../formats/oci/responses.ts'
import { authenticateAccount, type Source } from './authenticate.ts'
import type { Handler } from './request-context.ts'
import { oauthFailure, readForm, requiredField } from './token-form.ts'

/** Answers `/token`. */
export function createTokenHandler(auth: Auth): Handler {
  return (request, context) =>
    request.method === 'POST' ? postToken(auth, request, context) : getToken(auth, request, context)
}

/**
 * `GET /token` (distribution "token authentication"): credentials in the header, or none for what is public.
 *
 * A token is always for us, whatever `service` names: for another audience it would be worth nothing.
 */
export async function getToken(auth: Auth, request: Request, source: Source): Promise<Response> {
  try {
    const query = new URL(request.url).searchParams
    const scopes = parseScopes(query.getAll('scope'))
    const account = await authenticateAccount(auth.signIn, request, source)
    const { issued } = await auth.tokenService.issue(account, scopes)
    const refresh = await refreshFor(auth, account, query.get('offline_token') === 'true', query.get('client_id'))
    // older clients read `token`, newer ones the name that OAuth gives it
    return tokenAnswer({ token: issued.token, ...answerOf(issued), ...refresh })
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    const ask = error.code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Basic realm="token service"' } : {}
    return errorResponse(error, { ...ask, ...NOT_STORED })
  }
}

/** `POST /token` (distribution "OAuth2 token authentication"): credentials in a form, one `scope` with spaces. */
export async function postToken(auth: Auth, request: Request, source: Source): Promise<Response> {
  try {
    const form = await readForm(request)
    const scopes = parseScopes(form.getAll('scope'))
    const account = await accountOf(auth, form, source)
    const { issued, access } = await auth.tokenService.issue(account, scopes)
    const refresh = await refreshOf(auth, account, form)
    return tokenAnswer({ ...answerOf(issued), scope: access.map(formatScope).join(' '), ...refresh })
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return oauthAnswer(error)
  }
}

async function accountOf(auth: Auth, form: URLSearchParams, { clientAddress }: Source): Promise<Account> {
  switch (requiredField(form, 'grant_type')) {
    case 'password':
      return auth.signIn.withPassword(requiredField(form, 'username'), requiredField(form, 'password'), clientAddress)
    case 'refresh_token':
      return auth.signIn.withRefreshToken(requiredField(form, 'refresh_token'))
    default:
      throw oauthFailure('unsupported_grant_type', 'grant_type is password or refresh_token')
  }
}

/** The refresh token that was shown is good until its end; another one would never reach the client's store. */
async function refreshOf(auth: Auth, account: Account, form: URLSearchParams): Promise<{ refresh_token?: string }> {
  const isOffline = form.get('access_type') === 'offline'
  const shown = form.get('refresh_token')
  if (isOffline && shown !== null && form.get('grant_type') === 'refresh_token') return { refresh_token: shown }
  return refreshFor(auth, account, isOffline, form.get('client_id'))
}

async function refreshFor(
  auth: Auth,
  account: Account | null,
  isOffline: boolean,
  clientId: string | null,
): Promise<{ refresh_token?: string }> {
  return isOffline && account ? { refresh_token: await auth.signIn.makeRefreshToken(account, clientId ?? '') } : {}
}

function answerOf({ token, expiresInSeconds, issuedAt }: IssuedToken) {
  return { access_token: token, expires_in: expiresInSeconds, issued_at: new Date(issuedAt).toISOString() }
}

const NOT_STORED = { 'cache-control': 'no-store' } as const

function tokenAnswer(body: Record<string, unknown>): Response {
  return Response.json(body, { headers: NOT_STORED })
}

/** RFC 6749, section 5.2, but 401 for wrong credentials; and in the registry's own form, which docker shows to people. */
function oauthAnswer(error: RegistryError): Response {
  const { code, message, status, detail, retryAfterSeconds } = error
  const named = typeof detail === 'object' && detail !== null && 'error' in detail ? detail.error : 'invalid_request'
  const name = code === 'UNAUTHORIZED' ? 'invalid_grant' : status >= 429 ? 'temporarily_unavailable' : named
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  return Response.json(
    { error: name, error_description: message, errors: [{ code, message }] },
    { status, headers: { ...NOT_STORED, ...retry } },
  )
}
