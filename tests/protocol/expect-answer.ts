import { expect } from 'bun:test'
import type { FailureCode } from '../../src/core/errors.ts'
import { type Answer, errorCodes, textOf } from './registry-client.ts'
import type { Content } from './samples.ts'

/** Checks a status; when it is another one, the answer's own words are in the report. */
export function expectStatus(answer: Answer, status: number): void {
  const seen = answer.status === status ? `${status}` : `${answer.status} ${textOf(answer).slice(0, 500)}`
  expect(seen).toBe(`${status}`)
}

/** Checks a refusal: its status, and that its body is the specification's JSON with this code. */
export function expectRefusal(answer: Answer, status: number, code: FailureCode): void {
  expectStatus(answer, status)
  expect(answer.headers.get('content-type')?.split(';')[0]).toBe('application/json')
  expect(errorCodes(answer)).toEqual([code])
}

/** What is larger may be passed on from an object store in chunks of unknown length (RFC 9112, 7.1). */
const MOST_WITH_LENGTH = 4 * 1024 * 1024

/** Checks what GET and HEAD of content must say in their headers. */
export function expectContentHeaders(answer: Answer, content: Content): void {
  expectStatus(answer, 200)
  const length = String(content.bytes.length)
  const isPassedOn = answer.headers.get('transfer-encoding') === 'chunked' && content.bytes.length > MOST_WITH_LENGTH
  expect(answer.headers.get('content-length') ?? (isPassedOn ? length : null)).toBe(length)
  expect(answer.headers.get('docker-content-digest')).toBe(content.digest)
}

/** Checks bytes without printing megabytes of them when they differ. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  const equal = Buffer.compare(actual, expected) === 0
  expect(equal ? 'the same bytes' : `${actual.length} bytes: ${Buffer.from(actual.subarray(0, 200))}`).toBe(
    'the same bytes',
  )
}
