/** Reading so little costs less than a new connection. */
const MOST_READ_BYTES = 64 * 1024

/** What is not here by then is not waited for. */
const MOST_READ_MS = 1_000

/** Whether a body is announced to be so small that it is read, though nobody wants it, to keep its connection. */
export function isWorthReading(headers: Headers): boolean {
  const length = headers.get('content-length')
  return length !== null && !headers.has('transfer-encoding') && Number(length) <= MOST_READ_BYTES
}

/** Gives up a body that nobody has begun to read, behind the caller's back. */
export function discard({ body, headers }: Response): void {
  if (!body) return
  const maxMs = isWorthReading(headers) ? MOST_READ_MS : 0
  readFor(body, maxMs).catch(() => {}) // the connection is gone then, which is all that was asked for
}

async function readFor(body: ReadableStream<Uint8Array>, maxMs: number): Promise<void> {
  const reader = body.getReader()
  if (maxMs === 0) return reader.cancel()
  const timer = setTimeout(() => reader.cancel().catch(() => {}), maxMs)
  try {
    while (!(await reader.read()).done) {}
  } finally {
    clearTimeout(timer)
  }
}
