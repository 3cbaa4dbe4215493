import { redactText } from './redact-fields.ts'

/** An error as a log line holds it. */
export interface ErrorDescription {
  readonly name: string
  readonly message: string
  /** The system's or the library's own code, such as `ENOSPC`. */
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorDescription
  /** The parts of an `AggregateError`. */
  readonly errors?: readonly ErrorDescription[]
}

/** Causes and parts are followed so far: they may form a circle. */
const MAX_DEPTH = 5
const MAX_PARTS = 10

/** Everything about a thrown value that helps to find its reason; never throws itself. */
export function describeError(thrown: unknown, depth = 0): ErrorDescription {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: redactText(textOf(thrown)) }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
  const goesOn = depth < MAX_DEPTH
  return {
    name: thrown.name,
    message: redactText(thrown.message),
    ...(code !== undefined && { code }),
    ...(thrown.stack !== undefined && { stack: redactText(thrown.stack) }),
    ...(thrown.cause !== undefined && goesOn && { cause: describeError(thrown.cause, depth + 1) }),
    ...(thrown instanceof AggregateError && goesOn && { errors: parts(thrown, depth) }),
  }
}

function parts({ errors }: AggregateError, depth: number): ErrorDescription[] {
  return errors.slice(0, MAX_PARTS).map((part) => describeError(part, depth + 1))
}

function textOf(thrown: unknown): string {
  try {
    return typeof thrown === 'object' ? (JSON.stringify(thrown) ?? '') : String(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}
