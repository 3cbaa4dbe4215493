import type { Handler } from './request-context.ts'

/** `/` and what it needs. */
export function createPages(): Handler {
  return (_request, context) =>
    new Response(`Seawall at ${context.externalUrl}\n`, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
