import { describe } from 'bun:test'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Daemons lie in folders that a user's PATH leaves out; `go install` has a folder of its own. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', join(homedir(), 'go', 'bin')]

/** The path of an outside program, or null where this machine has none. */
export function findProgram(name: string): string | null {
  return Bun.which(name, { PATH: [process.env.PATH ?? '', ...MORE_FOLDERS].join(':') })
}

/** The path of an outside program that `describeWith` has made sure of. */
export function program(name: string): string {
  const path = findProgram(name)
  if (path === null) throw new Error(`the program ${name} is not on this machine`)
  return path
}

/**
 * Groups tests that need outside programs; where one is missing they are skipped, with a line that names it.
 *
 * The word `root` in the list stands for the rights of the superuser, which mounting a layer needs.
 */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const missing = programs.filter((wanted) => (wanted === 'root' ? process.getuid?.() !== 0 : !findProgram(wanted)))
  if (missing.length > 0) console.warn(`skipped: ${name}: this machine lacks ${missing.join(', ')}`)
  describe.skipIf(missing.length > 0)(name, body)
}
