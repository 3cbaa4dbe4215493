import type { Command } from 'commander'
import type { DoctorOptions } from './doctor.ts'
import { withServer } from './server-options.ts'

const ABOUT = `
Without --check it shows what the checks behind the requests have found. With it everything is read and compared now, at
the pace that the server is set to, and the answer waits for the end.

Exit codes: 0 healthy, 1 failed, 2 wrong usage, 5 something is damaged or missing, or cannot be told.
`

/** `seawall doctor`. @param onUnhealthy  called when the answer is no */
export function addDoctorCommand(program: Command, onUnhealthy: () => void): void {
  withServer(program.command('doctor'), 'seawall doctor --check')
    .description('Say whether everything that is stored is whole, what is not, and what to do (administrators).')
    .option('--check', 'check everything now, and wait for it')
    .option('--sure', 'with --check: repair also when more than half of everything seems wrong')
    .addHelpText('after', ABOUT)
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts')
      if (!(await doctor(options))) onUnhealthy()
    })
}
