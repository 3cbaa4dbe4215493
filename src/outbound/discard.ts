/** Reading so little costs less than a new connection. */
const MOST_READ_BYTES = 64 * 1024

/** Whether a body is announced to be so small that it is read, though nobody wants it, to keep its connection. */
export function isWorthReading(headers: Headers): boolean {
  const length = headers.get('content-length')
  return length !== null && !headers.has('transfer-encoding') && Number(length) <= MOST_READ_BYTES
}

/** Gives up a body that nobody has begun to read; behind the caller's back, as long as the exchange's signal allows. */
export function discard(response: Response): void {
  const done: Promise<unknown> | undefined = isWorthReading(response.headers)
    ? response.arrayBuffer()
    : response.body?.cancel()
  done?.catch(() => {}) // the connection is gone then, which is all that was asked for
}
