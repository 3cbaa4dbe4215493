import { describe, expect, it } from 'bun:test'
import { RegistryError } from '../core/errors.ts'
import { SILENT } from '../core/log.ts'
import type { Handler, RequestContext } from './request-context.ts'
import { createRouter, type Routes } from './router.ts'

const say =
  (word: string): Handler =>
  () =>
    new Response(word)
const routes: Routes = {
  registry: say('registry'),
  token: say('token'),
  keys: say('keys'),
  api: say('api'),
  health: say('health'),
  readiness: say('readiness'),
  metrics: say('metrics'),
  pages: say('pages'),
}
const router = createRouter(routes)

function contextOf(path: string): RequestContext {
  return {
    requestId: 'r',
    path,
    query: '',
    clientAddress: '',
    secure: false,
    externalUrl: '',
    log: SILENT,
    route: 'unknown',
    mayBeSilentFor() {},
  }
}

async function ask(method: string, path: string): Promise<Response> {
  return router(new Request('http://host/', { method }), contextOf(path))
}

describe('createRouter', () => {
  it.each([
    ['GET', '/v2', 'registry'],
    ['GET', '/v2/', 'registry'],
    ['PATCH', '/v2/a/blobs/uploads/1', 'registry'],
    ['GET', '/v2//', 'registry'],
    ['GET', '/token', 'token'],
    ['POST', '/token', 'token'],
    ['GET', '/jwks.json', 'keys'],
    ['GET', '/.well-known/jwks.json', 'keys'],
    ['GET', '/api/v1', 'api'],
    ['DELETE', '/api/v1/images/x', 'api'],
    ['GET', '/healthz', 'health'],
    ['HEAD', '/readyz', 'readiness'],
    ['GET', '/metrics', 'metrics'],
    ['GET', '/', 'pages'],
    ['GET', '/assets/a.js', 'pages'],
  ])('sends %s %s to %s', async (method, path, expected) => {
    expect(await (await ask(method, path)).text()).toBe(expected)
  })

  it.each([
    '/v2x',
    '/v1/',
    '/tokens',
    '/token/',
    '/api',
    '/api/v2',
    '/api/v1x',
    '/healthz/',
    '//',
    '/V2/',
    '/__proto__',
    '',
  ])('has nothing at %p', (path) => {
    expect(ask('GET', path)).rejects.toThrow(RegistryError)
  })

  it.each([
    ['POST', '/', 'GET, HEAD'],
    ['DELETE', '/token', 'GET, POST'],
    ['PUT', '/healthz', 'GET, HEAD'],
  ])('refuses %s %s and says what is allowed', async (method, path, allow) => {
    const response = await ask(method, path)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect(await response.json()).toMatchObject({ code: 'UNSUPPORTED', status: 405 })
  })

  it.each([
    ['/v2', 'base'],
    ['/v2/', 'base'],
    ['/v2/_catalog', 'catalog'],
    ['/v2/blobs/manifests/manifests/latest', 'manifest'],
    ['/v2/a/b/blobs/sha256:0', 'blob'],
    ['/v2/a/b/blobs/uploads', 'upload'],
    ['/v2/a/b/blobs/uploads/', 'upload'],
    ['/v2/a/b/blobs/uploads/id', 'upload'],
    ['/v2/a/b/tags/list', 'tags'],
    ['/v2/a/b/referrers/sha256:0', 'referrers'],
    ['/v2/a/b/anything/else', 'other'],
    ['/api/v1/anything', 'api'],
    ['/assets/a.js', 'assets'],
    ['/', 'pages'],
  ])('counts %s as %s', async (path, expected) => {
    const context = contextOf(path)
    await router(new Request('http://host/'), context)
    expect(context.route).toBe(expected)
  })
})
