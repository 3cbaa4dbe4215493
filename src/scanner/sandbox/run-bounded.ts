import { open } from 'node:fs/promises'
import type { LayerSource } from './analyse-layer.ts'
import { residentBytes } from './resident-memory.ts'

/** A child process and what it may take. */
export interface BoundedRun {
  readonly command: readonly string[]
  readonly input: LayerSource
  readonly maxOutputBytes: number
  readonly maxMemoryBytes: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** How it went: to its own end, or stopped by us for a reason that goes on as "took more than ...". */
export type BoundedEnd =
  | { readonly state: 'ended'; readonly exitCode: number; readonly output: string }
  | { readonly state: 'stopped'; readonly reason: string }

/** A process that grows a gigabyte in this time has found a hole that the limits inside it should have closed. */
const MEMORY_LOOK_MS = 100

/**
 * Runs a process with an empty environment in the root folder, feeds it and collects what it says, within bounds.
 *
 * It is dead, and the input given up, when the promise settles.
 * @throws what reading the input throws, and `AbortError`
 */
export async function runBounded(run: BoundedRun): Promise<BoundedEnd> {
  run.signal?.throwIfAborted()
  const input = run.input instanceof ReadableStream ? feedFrom(run.input) : await openInput(run.input.path)
  try {
    return await runChild(run, input)
  } finally {
    await input.close()
  }
}

/** What a child reads, and what happened to it on our side. */
interface Input {
  readonly stdin: ReadableStream<Uint8Array> | number
  readonly error: () => unknown
  readonly close: () => Promise<void>
}

async function runChild(run: BoundedRun, input: Input): Promise<BoundedEnd> {
  const child = Bun.spawn([...run.command], { stdin: input.stdin, stdout: 'pipe', stderr: 'ignore', env: {}, cwd: '/' })
  let reason: string | null = null
  const stop = (why: string) => {
    reason ??= why
    child.kill('SIGKILL')
  }
  const stopWatching = watchBounds(run, child.pid, stop)
  try {
    const output = await collect(child.stdout, run.maxOutputBytes, stop)
    const exitCode = await child.exited
    run.signal?.throwIfAborted()
    if (input.error() !== null) throw input.error()
    return reason === null ? { state: 'ended', exitCode, output } : { state: 'stopped', reason }
  } finally {
    child.kill('SIGKILL')
    stopWatching()
  }
}

function watchBounds(run: BoundedRun, pid: number, stop: (reason: string) => void): () => void {
  const timer = setTimeout(() => stop(`took more than ${run.timeoutMs / 1000} seconds`), run.timeoutMs)
  const watch = setInterval(() => {
    if (residentBytes(pid) > run.maxMemoryBytes) stop(`took more than ${run.maxMemoryBytes} bytes of memory`)
  }, MEMORY_LOOK_MS)
  const onAbort = () => stop('was given up')
  run.signal?.addEventListener('abort', onAbort)
  return () => {
    clearTimeout(timer)
    clearInterval(watch)
    run.signal?.removeEventListener('abort', onAbort)
  }
}

/** Opened here and not by the runtime, to which a missing file is an empty one. */
async function openInput(path: string): Promise<Input> {
  const handle = await open(path, 'r')
  return { stdin: handle.fd, error: () => null, close: () => handle.close() }
}

/** A child sees a stream that fails as one that ends; the parent must not take that for the layer's own end. */
function feedFrom(stream: ReadableStream<Uint8Array>): Input {
  const reader = stream.getReader()
  let failure: unknown = null
  const stdin = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      } catch (error) {
        failure = error
        controller.close()
      }
    },
    cancel: (why) => reader.cancel(why),
  })
  // A child that is stopped early leaves the stream behind; whatever is wrong with it then is of no interest.
  return { stdin, error: () => failure, close: () => reader.cancel().catch(() => {}) }
}

async function collect(
  stdout: ReadableStream<Uint8Array>,
  maxBytes: number,
  stop: (reason: string) => void,
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of stdout) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      stop(`gave more than ${maxBytes} bytes of answer`)
      break
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
