import { describe, expect, it } from 'bun:test'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { SILENT } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import {
  CLAIM_MS,
  claimJob,
  failJob,
  finishJob,
  handBackJob,
  hasTurn,
  isPending,
  type Job,
  releaseAllJobs,
  renewJob,
  saveJob,
  saveRepeatingJob,
} from './queue.ts'
import { type JobHandler, MOST_ATTEMPTS, Worker } from './worker.ts'

const NOW = 1_000_000
const KINDS = ['scan']

function add(db: Database, subject: string, more: { runAt?: number; kind?: string; payload?: unknown } = {}) {
  return db.transaction((tx) => saveJob(tx, { kind: 'scan', subject, ...more }, NOW))
}

async function statesOf(db: Database): Promise<string[]> {
  const rows = await db.all<{ subject: string; state: string }>`select subject, state from jobs order by subject`
  return rows.map(({ subject, state }) => `${subject} ${state}`)
}

/** Waits for something that a worker does; a test's own time limit is the end of patience. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await Bun.sleep(10)
}

/** The durable queue, and the workers on it. */
export function jobsContract(open: OpenDatabase): void {
  describe('a queue', () => {
    it('gives each job to one of many that claim at once', async () => {
      const db = await open()
      for (let n = 0; n < 20; n++) await add(db, `job-${n}`)
      const claimers = Array.from({ length: 8 }, async (_, who) => {
        const claimed: string[] = []
        for (;;) {
          const job = await claimJob(db, KINDS, `worker-${who}`, NOW)
          if (job) claimed.push(job.subject)
          else if (!(await hasTurn(db, KINDS, NOW))) return claimed
        }
      })
      const claimed = (await Promise.all(claimers)).flat()
      expect(claimed.sort()).toEqual(Array.from({ length: 20 }, (_, n) => `job-${n}`).sort())
    })

    it('takes what is due, of the kinds that are asked for, the longest waiting first', async () => {
      const db = await open()
      await add(db, 'later', { runAt: NOW + 1 })
      await add(db, 'second', { runAt: NOW - 1 })
      await add(db, 'first', { runAt: NOW - 2 })
      await add(db, 'strange', { kind: 'other', runAt: NOW - 9 })
      const next = async (now: number) => (await claimJob(db, KINDS, 'w', now))?.subject ?? null
      expect([await next(NOW), await next(NOW), await next(NOW), await next(NOW + 1)]).toEqual([
        'first',
        'second',
        null,
        'later',
      ])
    })

    it('adds nothing when the transaction that wanted it fails', async () => {
      const db = await open()
      const failing = db.transaction(async (tx) => {
        await saveJob(tx, { kind: 'scan', subject: 'a' }, NOW)
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect(await statesOf(db)).toEqual([])
    })

    it('keeps one job for a subject, with the newest payload', async () => {
      const db = await open()
      await add(db, 'a', { payload: { n: 1 } })
      await add(db, 'a', { payload: { n: 2 } })
      expect((await claimJob(db, KINDS, 'w', NOW))?.payload).toBe('{"n":2}')
      expect(await claimJob(db, KINDS, 'w', NOW)).toBeNull()
    })

    it('does again what was asked for again while it was being done', async () => {
      const db = await open()
      await add(db, 'a')
      const first = (await claimJob(db, KINDS, 'one', NOW))!
      await add(db, 'a')
      await finishJob(db, first.id, 'one')
      const second = await claimJob(db, KINDS, 'two', NOW)
      expect([second?.subject, second?.attempts]).toEqual(['a', 1])
    })

    it('gives a job to somebody else when its claim has run out, and the first one counts no more', async () => {
      const db = await open()
      await add(db, 'a')
      const job = (await claimJob(db, KINDS, 'one', NOW))!
      expect(await renewJob(db, job.id, 'one', NOW + 1_000)).toBe(true)
      expect(await hasTurn(db, KINDS, NOW + CLAIM_MS)).toBe(false)
      expect(await claimJob(db, KINDS, 'two', NOW + CLAIM_MS)).toBeNull()
      const late = NOW + 1_001 + CLAIM_MS
      expect(await hasTurn(db, KINDS, late)).toBe(true)
      expect((await claimJob(db, KINDS, 'two', late))?.attempts).toBe(2)
      expect(await renewJob(db, job.id, 'one', late)).toBe(false)
      await finishJob(db, job.id, 'one')
      await failJob(db, job.id, 'one', 'no', null)
      await handBackJob(db, job.id, 'one', late)
      expect(await statesOf(db)).toEqual(['a running'])
    })

    it('puts a failed job back for later, or aside for good until it is asked for again', async () => {
      const db = await open()
      await add(db, 'a')
      const job = (await claimJob(db, KINDS, 'w', NOW))!
      await failJob(db, job.id, 'w', `\0\ud800${'x'.repeat(5_000)}`, NOW + 500)
      expect(await claimJob(db, KINDS, 'w', NOW + 499)).toBeNull()
      expect((await claimJob(db, KINDS, 'w', NOW + 500))?.attempts).toBe(2)
      expect(await isPending(db, 'scan', 'a')).toBe(true)
      await failJob(db, job.id, 'w', 'no', null)
      expect(await claimJob(db, KINDS, 'w', NOW + 1e9)).toBeNull()
      expect(await isPending(db, 'scan', 'a')).toBe(false)
      await add(db, 'a')
      expect((await claimJob(db, KINDS, 'w', NOW))?.attempts).toBe(1)
    })

    it('takes a job back without counting the attempt', async () => {
      const db = await open()
      await add(db, 'a')
      const job = (await claimJob(db, KINDS, 'one', NOW))!
      await handBackJob(db, job.id, 'one', NOW)
      expect((await claimJob(db, KINDS, 'two', NOW))?.attempts).toBe(1)
    })

    it('lets go of everything for a start where nobody else can be working', async () => {
      const db = await open()
      await add(db, 'a')
      await claimJob(db, KINDS, 'dead', NOW)
      await db.transaction((tx) => releaseAllJobs(tx, NOW))
      expect((await claimJob(db, KINDS, 'new', NOW))?.attempts).toBe(2)
      await db.transaction((tx) => releaseAllJobs(tx, NOW))
      expect(await claimJob(db, KINDS, 'new', NOW)).toBeNull()
      expect((await claimJob(db, KINDS, 'new', NOW + 5_000))?.attempts).toBe(3)
    })

    it('holds a repeating job once, and revives one that has failed', async () => {
      const db = await open()
      const start = (runAt: number) => db.transaction((tx) => saveRepeatingJob(tx, 'scan', runAt, NOW))
      await start(NOW)
      await start(NOW + 500)
      const job = (await claimJob(db, KINDS, 'w', NOW))!
      await start(NOW)
      expect(await statesOf(db)).toEqual(['all running'])
      await failJob(db, job.id, 'w', 'no', null)
      await start(NOW + 7)
      expect((await claimJob(db, KINDS, 'w', NOW + 7))?.attempts).toBe(1)
    })
  })

  describe('a worker', () => {
    const work = (db: Database, scan: JobHandler, more: { onGivenUp?: (job: Job) => Promise<void> } = {}) => {
      const worker = new Worker({ db, handlers: { scan }, concurrency: 2, log: SILENT, ...more })
      worker.start()
      return worker
    }

    it('does each job once among several, at once when it is poked', async () => {
      const db = await open()
      const done: string[] = []
      const scan: JobHandler = async ({ subject }) => void done.push(subject)
      const workers = [work(db, scan), work(db, scan), work(db, scan)]
      await Bun.sleep(50)
      const begun = performance.now()
      for (let n = 0; n < 10; n++) await add(db, `${n}`)
      for (const worker of workers) worker.poke()
      await until(async () => (await statesOf(db)).length === 0)
      expect(performance.now() - begun).toBeLessThan(900)
      await Promise.all(workers.map((worker) => worker.stop(1_000)))
      expect(done.sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    })

    it('puts back what fails, and goes on with the next', async () => {
      const db = await open()
      await add(db, 'bad', { runAt: NOW - 1 })
      await add(db, 'good')
      const worker = work(db, async ({ subject }) => {
        if (subject === 'bad') throw new Error('it cannot be')
      })
      await until(async () => (await statesOf(db)).join() === 'bad queued')
      await worker.stop(1_000)
      const row = await db.first<{ run_at: number; failure: string; attempts: number }>`
        select run_at, failure, attempts from jobs`
      expect(row).toMatchObject({ failure: 'Error: it cannot be', attempts: 1 })
      expect(row!.run_at).toBeGreaterThan(Date.now() + 2_000)
    })

    it('gives up for good after the last attempt, and says so', async () => {
      const db = await open()
      await add(db, 'bad')
      await db.transaction((tx) => tx.run`update jobs set attempts = ${MOST_ATTEMPTS - 1}`)
      const givenUp: string[] = []
      const failing = async () => {
        throw new Error('no')
      }
      const worker = work(db, failing, { onGivenUp: async ({ subject }) => void givenUp.push(subject) })
      await until(() => givenUp.length > 0)
      await worker.stop(1_000)
      expect([givenUp, await statesOf(db)]).toEqual([['bad'], ['bad failed']])
    })

    it('does not begin what has ended its workers again and again', async () => {
      const db = await open()
      await add(db, 'killer')
      await db.transaction(
        (tx) => tx.run`update jobs set attempts = ${MOST_ATTEMPTS}, state = 'running', claimed_by = 'dead'`,
      )
      let begun = 0
      const worker = work(db, async () => void begun++)
      await until(async () => (await statesOf(db)).join() === 'killer failed')
      await worker.stop(1_000)
      expect(begun).toBe(0)
    })

    it('hands a job back when it is stopped, and another worker does it at once', async () => {
      const db = await open()
      await add(db, 'long')
      let isBegun = false
      const worker = work(db, async (_, signal) => {
        isBegun = true
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      })
      await until(() => isBegun)
      const begun = performance.now()
      await worker.stop(5_000)
      expect(performance.now() - begun).toBeLessThan(1_000)
      const job = await claimJob(db, KINDS, 'other', Date.now())
      expect([job?.subject, job?.attempts]).toEqual(['long', 1])
    })

    it('does not wait longer than it was told for a job that heeds nothing', async () => {
      const db = await open()
      await add(db, 'deaf')
      let end = () => {}
      let isBegun = false
      const worker = work(db, () => {
        isBegun = true
        return new Promise((resolve) => {
          end = resolve
        })
      })
      await until(() => isBegun)
      const begun = performance.now()
      await worker.stop(50)
      expect(performance.now() - begun).toBeLessThan(1_000)
      expect(await statesOf(db)).toEqual(['deaf running'])
      end()
      await until(async () => (await statesOf(db)).length === 0)
    })
  })
}
