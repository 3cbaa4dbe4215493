import type { z } from 'zod'
import { ProblemShape } from './page.ts'

/** The server refused, and said why (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined

  constructor(message: string, about: { status: number; code: string; requestId?: string | undefined }) {
    super(message)
    this.status = about.status
    this.code = about.code
    this.requestId = about.requestId
  }
}

/** The server cannot be reached, or what answers is no Seawall. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** Where the API is, and as whom to ask. */
export interface ApiAddress {
  /** Origin, such as `https://registry.example.com`. */
  readonly server: string
  /** The `Authorization` header; absent for a stranger. */
  readonly authorization?: string
}

/** What stands behind the question mark; absent values are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>

interface Sent {
  readonly query?: Query
  readonly body?: object
  readonly bytes?: Blob
}

/** Speaks to the management API: every answer is checked against its shape, every refusal is an error. */
export class ApiClient {
  readonly #address: ApiAddress

  constructor(address: ApiAddress) {
    this.#address = address
  }

  async get<T>(path: string, shape: z.ZodType<T>, query: Query = {}): Promise<T> {
    return this.#read(await this.#send('GET', path, { query }), shape)
  }

  async post<T>(path: string, shape: z.ZodType<T>, body: object = {}): Promise<T> {
    return this.#read(await this.#send('POST', path, { body }), shape)
  }

  async patch<T>(path: string, shape: z.ZodType<T>, body: object): Promise<T> {
    return this.#read(await this.#send('PATCH', path, { body }), shape)
  }

  /** Sends a file as it is. */
  async upload<T>(path: string, shape: z.ZodType<T>, query: Query, bytes: Blob): Promise<T> {
    return this.#read(await this.#send('POST', path, { query, bytes }), shape)
  }

  /** For what answers nothing but that it is done. */
  async put(path: string): Promise<void> {
    await (await this.#send('PUT', path, {})).body?.cancel()
  }

  async remove(path: string): Promise<void> {
    await (await this.#send('DELETE', path, {})).body?.cancel()
  }

  /** Every item of a list, page by page. */
  async *list<T>(
    path: string,
    page: z.ZodType<{ items: T[]; next?: string | undefined }>,
    query: Query = {},
  ): AsyncGenerator<T> {
    let after: string | undefined
    do {
      const { items, next } = await this.get(path, page, { ...query, limit: 1000, after })
      yield* items
      if (next === after) return // a page that follows itself would have no end
      after = next
    } while (after !== undefined)
  }

  async #send(method: string, path: string, { query = {}, body, bytes }: Sent): Promise<Response> {
    const { server, authorization } = this.#address
    const url = new URL(`/api/v1${path}`, server)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, `${value}`)
    const headers = {
      accept: 'application/json, application/problem+json',
      ...(authorization !== undefined && { authorization }),
      ...(body && { 'content-type': 'application/json' }),
      ...(bytes && { 'content-type': 'application/octet-stream' }),
    }
    // A redirect could carry the token to another host: the API makes none.
    const sent = fetch(url, {
      method,
      headers,
      body: bytes ?? (body && JSON.stringify(body)) ?? null,
      redirect: 'manual',
    })
    const response = await sent.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ConnectionError(`${server} cannot be reached: ${reason}`, { cause: error })
    })
    if (response.ok) return response
    throw await this.#refusal(response)
  }

  async #refusal(response: Response): Promise<Error> {
    const problem = ProblemShape.safeParse(await response.json().catch(() => null))
    if (!problem.success) return this.#stranger(`it answers ${response.status}`)
    const { status, code, title, detail, requestId } = problem.data
    return new ApiError(detail ?? title, { status, code, requestId })
  }

  async #read<T>(response: Response, shape: z.ZodType<T>): Promise<T> {
    const value: unknown = await response.json().catch(() => null)
    const checked = shape.safeParse(value)
    // The answer as it came, with what a newer server adds: it was just found to have the shape, and shapes change nothing.
    if (checked.success) return value as T
    const issue = checked.error.issues[0]
    throw this.#stranger(`its answer is not as expected: ${issue?.path.join('.')} ${issue?.message}`)
  }

  #stranger(what: string): ConnectionError {
    const { server } = this.#address
    return new ConnectionError(`${server} is no Seawall, or one of another version: ${what}`)
  }
}
