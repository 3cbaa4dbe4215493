import { expect } from 'bun:test'
import type { Actor } from '../../src/core/actor.ts'
import { AccessGate } from '../../src/http/management/access-gate.ts'
import { createManagementApplication } from '../../src/http/management/management.ts'
import type { TestRegistry } from './registry.ts'

/** What an answer holds, as far as a test looks at it. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: every test looks at another shape; the shapes have a test of their own
  readonly body: any
}

/** The management API on a registry without HTTP, asked as anybody. */
export class TestApi {
  readonly test: TestRegistry
  readonly root: Actor
  readonly #application: ReturnType<typeof createManagementApplication>

  constructor(test: TestRegistry, root: Actor) {
    const { db, directory, registry } = test
    const { auth } = test.auth
    const gate = new AccessGate(auth.permissions, directory)
    const clock = () => test.auth.now()
    const onJob = () => {}
    this.test = test
    this.root = root
    this.#application = createManagementApplication({ db, directory, auth, registry, clock, gate, onJob })
  }

  async ask(actor: Actor, method: string, path: string, body?: unknown, type = 'application/json'): Promise<ApiAnswer> {
    const request = new Request(`http://localhost/api/v1/${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': type },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const environment = { actor, requestId: 'request-1', mayBeSilentFor: () => {} }
    const response = await this.#application.fetch(request, environment)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }

  /** As the administrator, who must succeed. */
  async must(method: string, path: string, body?: unknown) {
    const answer = await this.ask(this.root, method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async pages(actor: Actor, path: string, limit: number, between = async () => {}): Promise<unknown[]> {
    const items: unknown[] = []
    for (let after = ''; ; ) {
      const { status, body } = await this.ask(
        actor,
        'GET',
        `${path}?limit=${limit}${after && `&after=${encodeURIComponent(after)}`}`,
      )
      expect(status).toBe(200)
      expect(body.items.length).toBeLessThanOrEqual(limit)
      items.push(...body.items)
      if (body.next === undefined) return items
      after = body.next
      await between()
    }
  }
}

/** Checks a failure: status, code, and the form of RFC 9457. */
export function expectProblem(answer: ApiAnswer, status: number, code: string): void {
  expect([answer.status, answer.body?.code, answer.body?.status]).toEqual([status, code, status])
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({ type: 'about:blank', requestId: 'request-1' })
  expect(answer.body.title.length).toBeGreaterThan(0)
  expect(answer.body.detail.length).toBeGreaterThan(0)
  if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Basic')
}
