import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** The kernel counts CPU time in these (`getconf CLK_TCK`); Linux has had 100 on every architecture for decades. */
const TICKS_PER_SECOND = 100

/** What a process and all its descendants have used since they began. */
export interface ProcessCost {
  readonly cpuSeconds: number
  /** The highest resident memory of each process (`VmHWM`), summed; in bytes. */
  readonly peakBytes: number
}

interface ProcessRow {
  readonly pid: number
  readonly parent: number
  readonly cpuTicks: number
}

/** Reads `/proc`: the CPU of children that have ended is counted with the parent that has waited for them. */
export function processCost(root: number): ProcessCost {
  const own = treeOf(root)
  return {
    cpuSeconds: own.reduce((sum, row) => sum + row.cpuTicks, 0) / TICKS_PER_SECOND,
    peakBytes: own.reduce((sum, row) => sum + peakBytes(row.pid), 0),
  }
}

/** Lets the highest memory be counted anew from now on (proc_pid_clear_refs(5)). */
export function forgetPeak(root: number): void {
  for (const { pid } of treeOf(root)) writeOrNot(`/proc/${pid}/clear_refs`, '5')
}

function treeOf(root: number): ProcessRow[] {
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readRow(Number(name)) ?? [])
  const tree = new Set([root])
  for (let size = 0; size !== tree.size; ) {
    size = tree.size
    for (const row of rows) if (tree.has(row.parent)) tree.add(row.pid)
  }
  return rows.filter((row) => tree.has(row.pid))
}

/** Fields of proc_pid_stat(5) after the name in brackets, which may hold anything; null for a process just gone. */
function readRow(pid: number): ProcessRow | null {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 15) return null
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  return { pid, parent: Number(fields[1]), cpuTicks: (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0) }
}

function peakBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function writeOrNot(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch {
    // gone, or not ours: then the peak stays what it was, which flatters nobody
  }
}
