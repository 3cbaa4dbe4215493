/** How a program that was run has ended. */
export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Around a run: variables on top of a bare environment, and a bound on its time. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string
  /** Default: two minutes. */
  readonly timeoutMs?: number
  /** Whom the program runs as; only root can choose. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** The machine's own settings stay outside: only what a program needs to be found and to run at all. */
export function bareEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...more }
}

/** Runs a program to its end; a code other than 0 is an answer, not an error. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([...command], {
    env: bareEnvironment(options.env),
    stdin: options.stdin === undefined ? 'ignore' : new Blob([options.stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

/** Runs a program that must succeed; the error shows the whole of what it said. */
export async function runToSuccess(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const finished = await run(command, options)
  if (finished.code === 0) return finished
  throw new Error(`${command.join(' ')}\nended with ${finished.code}:\n${finished.stdout}${finished.stderr}`)
}
