import { type Database, many, type Reader, skipLocked, type Transaction } from '../storage/database.ts'

/** Work that is to be done once, outlives a crash, and is retried. */
export interface Job {
  readonly id: number
  /** Which handler does it. */
  readonly kind: string
  /** What it is about; there is one job of a kind for a subject at a time. */
  readonly subject: string
  readonly payload: string
  /** Times it was begun, this one included. */
  readonly attempts: number
}

/** How long a claim holds without being renewed, in milliseconds. */
export const CLAIM_MS = 30_000

/**
 * Adds a job in the transaction of what causes it. The same job waiting already is the same job; one that is being done
 * will be done again, as it may have begun too early to see what has changed.
 */
export async function saveJob(
  tx: Transaction,
  job: { kind: string; subject: string; payload?: unknown; runAt?: number },
  now: number,
): Promise<void> {
  const payload = JSON.stringify(job.payload ?? null)
  await tx.run`
    insert into jobs (kind, subject, payload, state, run_at, attempts, claimed_by, claimed_until, failure, created_at)
    values (${job.kind}, ${job.subject}, ${payload}, 'queued', ${job.runAt ?? now}, 0, null, 0, null, ${now})
    on conflict (kind, subject) do update set payload = excluded.payload, state = 'queued', run_at = excluded.run_at,
      attempts = 0, claimed_by = null, claimed_until = 0, failure = null`
}

/** Adds a job that repeats itself, where it is not there yet or has failed: several processes start it, one runs it. */
export async function saveRepeatingJob(tx: Transaction, kind: string, runAt: number, now: number): Promise<void> {
  await tx.run`
    insert into jobs (kind, subject, payload, state, run_at, attempts, claimed_by, claimed_until, failure, created_at)
    values (${kind}, 'all', 'null', 'queued', ${runAt}, 0, null, 0, null, ${now})
    on conflict (kind, subject) do update set state = 'queued', run_at = excluded.run_at, attempts = 0
      where jobs.state = 'failed'`
}

/** Takes the job whose turn it is, also one whose worker has died. */
export function claimJob(db: Database, kinds: readonly string[], by: string, now: number): Promise<Job | null> {
  return db.transaction(async (tx) => {
    const due: Due[] = []
    // Each question reads one row, by an index; over all kinds at once every job that waits would be read and sorted.
    for (const kind of kinds) {
      const found = [await firstQueued(tx, kind, now), await firstLeft(tx, kind, now)]
      due.push(...found.filter((job) => job !== null))
    }
    const [next] = due.sort((a, b) => a.run_at - b.run_at || a.id - b.id)
    if (!next) return null
    return tx.first<Job>`
      update jobs set state = 'running', claimed_by = ${by}, claimed_until = ${now + CLAIM_MS}, attempts = attempts + 1
      where id = ${next.id} returning id, kind, subject, payload, attempts`
  })
}

interface Due {
  readonly id: number
  readonly run_at: number
}

function firstQueued(tx: Transaction, kind: string, now: number): Promise<Due | null> {
  return tx.first<Due>`
    select id, run_at from jobs where kind = ${kind} and state = 'queued' and run_at <= ${now}
    order by run_at, id limit 1 ${skipLocked}`
}

/** One whose worker has not been heard of for too long; there are never more than there are workers. */
function firstLeft(tx: Transaction, kind: string, now: number): Promise<Due | null> {
  return tx.first<Due>`
    select id, run_at from jobs where kind = ${kind} and state = 'running' and claimed_until < ${now}
    order by run_at, id limit 1 ${skipLocked}`
}

/** Whether there is anything to claim: a read, so that idle workers do not write. */
export async function hasTurn(reader: Reader, kinds: readonly string[], now: number): Promise<boolean> {
  const queued = await reader.first`
    select 1 as yes from jobs where kind in ${many(kinds)} and state = 'queued' and run_at <= ${now} limit 1`
  if (queued) return true
  const left = await reader.first`
    select 1 as yes from jobs where state = 'running' and claimed_until < ${now} and kind in ${many(kinds)} limit 1`
  return left !== null
}

/** Moves the end of a claim on; answers false when the job is no longer the caller's. */
export function renewJob(db: Database, id: number, by: string, now: number): Promise<boolean> {
  return db.transaction(
    async (tx) =>
      (await tx.run`update jobs set claimed_until = ${now + CLAIM_MS} where id = ${id} and claimed_by = ${by}`) > 0,
  )
}

/** Ends a job that was done; one that was queued anew meanwhile stays. */
export async function finishJob(db: Database, id: number, by: string): Promise<void> {
  await db.transaction((tx) => tx.run`delete from jobs where id = ${id} and claimed_by = ${by}`)
}

/** Puts a job back for a later try, or aside for good when `runAt` is null. */
export async function failJob(
  db: Database,
  id: number,
  by: string,
  failure: string,
  runAt: number | null,
): Promise<void> {
  const state = runAt === null ? 'failed' : 'queued'
  await db.transaction(
    (tx) => tx.run`
      update jobs set state = ${state}, run_at = ${runAt ?? 0}, claimed_by = null, claimed_until = 0,
        failure = ${failure.replaceAll('\0', '').slice(0, 1000).toWellFormed()}
      where id = ${id} and claimed_by = ${by}`,
  )
}

/** Gives a job back that was not done for want of time: it is anybody's at once, and the attempt does not count. */
export async function handBackJob(db: Database, id: number, by: string, now: number): Promise<void> {
  await db.transaction(
    (tx) => tx.run`
      update jobs set state = 'queued', run_at = ${now}, claimed_by = null, claimed_until = 0, attempts = attempts - 1
      where id = ${id} and claimed_by = ${by}`,
  )
}

/**
 * Takes every job from its worker: for a start where no other process can be working. One that was begun before waits a
 * little longer each time, in case it is what ended the process.
 */
export async function releaseAllJobs(tx: Transaction, now: number): Promise<void> {
  await tx.run`
    update jobs set state = 'queued', run_at = ${now} + 5000 * (attempts - 1), claimed_by = null, claimed_until = 0
    where state = 'running'`
}

/** Whether a job waits or is being done; one that has failed for good is neither. */
export async function isPending(reader: Reader, kind: string, subject: string): Promise<boolean> {
  const row = await reader.first`
    select 1 as yes from jobs where kind = ${kind} and subject = ${subject} and state in ('queued', 'running')`
  return row !== null
}

/** A job that does not get done, or one of upkeep, as an operator wants to see it. */
export interface JobState {
  readonly kind: string
  readonly subject: string
  readonly state: 'queued' | 'running' | 'failed'
  /** Times it was begun. */
  readonly attempts: number
  /** Why it failed the last time; null when it did not. */
  readonly failure: string | null
}

/** Jobs that were set aside for good. */
export function listFailedJobs(reader: Reader, limit: number): Promise<JobState[]> {
  return reader.all<JobState>`
    select kind, subject, state, attempts, failure from jobs where state = 'failed'
    order by run_at, id limit ${limit}`
}

/** Every job of kinds that have only a few. */
export function listJobsOf(reader: Reader, kinds: readonly string[]): Promise<JobState[]> {
  return reader.all<JobState>`
    select kind, subject, state, attempts, failure from jobs where kind in ${many(kinds)} order by kind, subject`
}

/** How many jobs of each kind wait, run or have failed: for the metrics. */
export function countJobs(reader: Reader): Promise<{ kind: string; state: string; jobs: number }[]> {
  return reader.all`select kind, state, count(*) as jobs from jobs group by kind, state`
}
