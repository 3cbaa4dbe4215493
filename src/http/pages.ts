import swaggerStylePath from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import swaggerScriptPath from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import { RegistryError } from '../core/errors.ts'
import type { Handler, RequestContext } from './request-context.ts'
import { Asset } from './web/asset.ts'
import homeScriptPath from './web/home.browser.js' with { type: 'file' }
import homeStylePath from './web/home.css' with { type: 'file' }
import { homePage } from './web/home-page.ts'

/** Nothing from elsewhere, nothing written into the page; the viewer's icons are `data:` addresses. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** `/` and what it needs. */
export function createPages(version: string): Handler {
  const assets = new Map([
    ['/assets/home.css', new Asset(homeStylePath, 'text/css; charset=utf-8')],
    ['/assets/home.js', new Asset(homeScriptPath, 'text/javascript; charset=utf-8')],
    ['/assets/swagger-ui.css', new Asset(swaggerStylePath, 'text/css; charset=utf-8')],
    ['/assets/swagger-ui-bundle.js', new Asset(swaggerScriptPath, 'text/javascript; charset=utf-8')],
  ])
  return (request, context) => {
    if (context.path === '/') return home(request, context, version)
    const asset = assets.get(context.path)
    if (asset) return asset.answer(request)
    throw new RegistryError('NOT_FOUND', undefined, { message: `there is nothing at ${context.path.slice(0, 200)}` })
  }
}

/** A browser gets a page, a program at a prompt one line. */
function home(request: Request, context: RequestContext, version: string): Response {
  const vary = { vary: 'accept', 'cache-control': 'no-cache' }
  if (!request.headers.get('accept')?.includes('text/html')) {
    const headers = { ...vary, 'content-type': 'text/plain; charset=utf-8' }
    return new Response(`Seawall at ${context.externalUrl}\n`, { headers })
  }
  const headers = { ...vary, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }
  return new Response(homePage(context.externalUrl, version), { headers })
}
