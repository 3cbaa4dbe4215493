import { closeSync, openSync } from 'node:fs'
import { bareEnvironment, type RunOptions } from './run-program.ts'

/** A server that runs beside the tests. */
export interface BackgroundProgram {
  readonly pid: number
  /** What it has written so far, both streams in order. */
  output(): Promise<string>
  /** Asks it to end, waits, and ends it by force when it does not. */
  stop(): Promise<void>
  /** Ends it as a power cut would: it gets no chance to finish anything. */
  kill(): Promise<void>
}

/** How to know that a server is up, and how long it may take. */
export interface StartOptions extends RunOptions {
  /** Gets all that the server writes; any file the caller removes in the end. */
  readonly logFile: string
  /** Resolves to true once the server answers; it is asked again and again. */
  readonly isReady: () => Promise<boolean>
}

const PATIENCE_MS = 30_000
const STOP_PATIENCE_MS = 15_000

/** Starts a server and waits until it answers; when it ends or stays silent, the error shows what it wrote. */
export async function startProgram(command: readonly string[], options: StartOptions): Promise<BackgroundProgram> {
  const log = openSync(options.logFile, 'a')
  const child = Bun.spawn([...command], {
    env: bareEnvironment(options.env),
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
  })
  closeSync(log)
  const output = () => Bun.file(options.logFile).text()
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
    await child.exited
    clearTimeout(force)
  }
  const deadline = Date.now() + (options.timeoutMs ?? PATIENCE_MS)
  while (!(await options.isReady())) {
    if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) await Bun.sleep(50)
    else {
      await end('SIGKILL')
      throw new Error(`${command.join(' ')}\ndid not come up:\n${await output()}`)
    }
  }
  return { pid: child.pid, output, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** True once a server answers HTTP at all, whatever the status. */
export async function answersHttp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  )
}
