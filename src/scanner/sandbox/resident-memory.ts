import { readFileSync } from 'node:fs'

/** What a process holds in memory now, in bytes; 0 where the system does not say (proc(5), `VmRSS`; Linux only). */
export function residentBytes(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return Number(line?.[1] ?? 0) * 1024
  } catch {
    return 0 // it has ended, or there is no /proc
  }
}
