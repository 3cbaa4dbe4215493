import { afterEach, describe, expect, it } from 'bun:test'
import { describeOnEveryDatabase, type OpenDatabase } from '../../tests/harness/every-database.ts'
import type { TestRegistry } from '../../tests/harness/registry.ts'
import { RetentionTrial, rule } from '../../tests/harness/retention-trial.ts'
import { listUpkeepReports } from '../catalog/upkeep-reports.ts'
import { type Log, SILENT } from '../core/log.ts'
import { DEFAULT_SETTINGS } from '../core/repository.ts'
import type { Job } from '../jobs/queue.ts'
import { findRetentionReport, RETAIN_JOB, RETENTION_JOB, type RetainOrder } from '../maintenance/retain-jobs.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { retentionHandlers } from './retention-jobs.ts'

const never = new AbortController().signal

function jobOf(kind: string, subject: string, payload: RetainOrder | null = null): Job {
  return { id: 1, kind, subject, payload: JSON.stringify(payload), attempts: 1 }
}

function retentionJobsContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (retentionEveryHours = 6) => {
    const trial = await RetentionTrial.open(await open())
    opened.push(trial.test)
    const { db, services } = trial.test
    const metrics = new Metrics()
    const warnings: string[] = []
    const log: Log = { ...SILENT, warn: (event) => void warnings.push(event) }
    const upkeep = { retentionEveryHours, scrubBytesPerSecond: 0, scrubEveryDays: 30, reconcileEveryHours: 0 }
    const handlers = retentionHandlers({ db, log, services, config: { upkeep } }, metrics)
    const jobs = () => db.all<{ kind: string; subject: string; run_at: number }>`
      select kind, subject, run_at from jobs where kind in (${RETENTION_JOB}, ${RETAIN_JOB}) order by kind, subject`
    return { trial, handlers, jobs, metrics, warnings }
  }

  describe('a round of retention', () => {
    it('adds a job for each repository that gives something up, and comes again', async () => {
      const { trial, handlers, jobs } = await start()
      const { retention } = DEFAULT_SETTINGS
      const some = { ...DEFAULT_SETTINGS, retention: { ...retention, untaggedAfterDays: 3 } }
      const other = await trial.test.repository('other', 'private', some)
      await trial.test.repository('plain')
      await trial.set({ rules: [rule({ keepNewest: 1 })] })
      const { id } = await trial.repository()
      await handlers[RETENTION_JOB]?.(jobOf(RETENTION_JOB, 'all'), never)
      const [first, second, round, ...more] = await jobs()
      expect([first?.subject, second?.subject].sort()).toEqual([String(id), String(other.id)].sort())
      expect([round?.kind, more.length]).toEqual([RETENTION_JOB, 0])
      expect((round?.run_at ?? 0) - Date.now()).toBeGreaterThan(5.9 * 3_600_000)
    })

    it('is not made where it is turned off', async () => {
      const { trial, handlers, jobs } = await start(0)
      await trial.set({ rules: [rule({ keepNewest: 1 })] })
      await handlers[RETENTION_JOB]?.(jobOf(RETENTION_JOB, 'all'), never)
      expect(await jobs()).toEqual([])
    })
  })

  describe('the job of a repository', () => {
    it('leaves a report, and a warning where it stopped', async () => {
      const { trial, handlers, metrics, warnings } = await start()
      for (let n = 0; n < 12; n++) await trial.push('app', [`pr-${n}`], 'one and the same')
      await trial.set({ rules: [rule({ keepNewest: 1 })] })
      const subject = String((await trial.repository()).id)
      await handlers[RETAIN_JOB]?.(jobOf(RETAIN_JOB, subject), never)
      expect(await findRetentionReport(trial.db, 'demo')).toMatchObject({ isStopped: true, deletedTags: 0 })
      expect(warnings).toEqual(['retention.stopped'])
      expect(await listUpkeepReports(trial.db)).toEqual([])
      await handlers[RETAIN_JOB]?.(jobOf(RETAIN_JOB, subject, { isForced: true, by: 'root' }), never)
      expect(await findRetentionReport(trial.db, 'demo')).toMatchObject({ isForced: true, deletedTags: 11 })
      const text = await metrics.text()
      expect(text).toContain('seawall_retention{what="deleted_tags"} 11')
      expect(text).toContain('seawall_retention{what="stopped_runs"} 1')
      const by = await trial.db.all`select distinct deleted_by from deletions`
      expect(by).toEqual([{ deleted_by: 'root' }])
    })

    it('does nothing for a repository that is gone', async () => {
      const { trial, handlers } = await start()
      await handlers[RETAIN_JOB]?.(jobOf(RETAIN_JOB, '4711'), never)
      expect(await trial.db.all`select kind from upkeep_reports`).toEqual([])
    })

    it('stops when the server does, and has then deleted nothing by halves', async () => {
      const { trial, handlers } = await start()
      await trial.push('app', ['a', 'b', 'c'])
      await trial.set({ rules: [rule({ keepNewest: 0 })] })
      const stopping = AbortSignal.abort()
      const done = handlers[RETAIN_JOB]?.(jobOf(RETAIN_JOB, String((await trial.repository()).id)), stopping)
      await expect(done).rejects.toThrow()
      expect((await trial.tags()).length).toBe(3)
    })
  })
}

describeOnEveryDatabase('jobs of retention', retentionJobsContract)
