import { runToSuccess } from '../tests/harness/run-program.ts'

const BYTES = 2_000_000_000

/** Writes to each page once; the pages go back to the kernel when the process ends. */
const TOUCH = `const pages = new Uint8Array(${BYTES}); for (let at = 0; at < pages.length; at += 4096) pages[at] = 1`

/**
 * Makes sure that the kernel has pages at hand.
 *
 * In a virtual machine, free memory goes back to the host after a while, and the first write to a page that comes from
 * there again costs as much as copying it ten times. Whoever wrote next would pay for it, and another one would not.
 */
export async function warmMemory(): Promise<void> {
  await runToSuccess([process.execPath, '-e', TOUCH])
}
