import { join, resolve } from 'node:path'
import { type Finished, run } from '../harness/run-program.ts'

const PROJECT = join(import.meta.dir, '..', '..')

/** Around a run of the command line: a home and a working folder of its own, and what it reads. */
export interface Surroundings {
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

/** Runs `seawall` with words, as somebody who has nothing but the folder. */
export function seawall(words: readonly string[], { folder, env, stdin }: Surroundings): Promise<Finished> {
  const other = process.env.SEAWALL_TEST_PROGRAM
  const command = other ? [resolve(other)] : [process.execPath, join(PROJECT, 'src', 'main.ts')]
  return run([...command, ...words], {
    cwd: folder,
    env: { HOME: folder, ...env },
    ...(stdin !== undefined && { stdin }),
  })
}
