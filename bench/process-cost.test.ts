import { expect, it } from 'bun:test'
import { processCost } from './process-cost.ts'

/** Uses 0.3 s of CPU, says so, and stays for a while. */
const CHILD = 'while (process.cpuUsage().user < 300_000) {}; console.log("used"); await Bun.sleep(5_000)'
const PARENT = `await Bun.spawn([process.execPath, '-e', ${JSON.stringify(CHILD)}], { stdout: 'inherit' }).exited`

it('counts the CPU time of a process and of its descendants', async () => {
  const parent = Bun.spawn([process.execPath, '-e', PARENT], { stdout: 'pipe' })
  await parent.stdout.getReader().read()
  const { cpuSeconds, peakBytes } = processCost(parent.pid)
  parent.kill()
  expect(cpuSeconds).toBeGreaterThanOrEqual(0.3)
  expect(cpuSeconds).toBeLessThan(2)
  expect(peakBytes).toBeGreaterThan(10_000_000)
}, 30_000)

it('answers nothing for a process that is not there', () => {
  expect(processCost(2 ** 30)).toEqual({ cpuSeconds: 0, peakBytes: 0 })
})
