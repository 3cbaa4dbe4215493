import type { z } from 'zod'
import { ProblemShape } from '../../api/page.ts'

/** An answer with a body, for the OpenAPI document. */
export function answer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } }
}

/** A request's body, for the OpenAPI document. */
export function body<T extends z.ZodType>(schema: T) {
  return { content: { 'application/json': { schema } }, required: true }
}

/** Every route may fail in one form. */
export const PROBLEMS = {
  default: {
    description: 'What went wrong, as problem details (RFC 9457).',
    content: { 'application/problem+json': { schema: ProblemShape } },
  },
} as const

/** Milliseconds since 1970 as the API writes times: ISO 8601, UTC. */
export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
