import { expect, it } from 'bun:test'
import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { ExplainingReader } from '../../tests/harness/explaining-reader.ts'
import type { MigratableDatabase } from '../storage/migratable-database.ts'
import { claimJob, hasTurn } from './queue.ts'

const JOBS = 100_000
const NOW = 1_000_000

/** So many images wait for their scan, as after an import; nothing else does. */
async function fill(db: MigratableDatabase): Promise<void> {
  await db.migration((tx) =>
    tx.script(`
      insert into jobs (kind, subject, payload, state, run_at, attempts, claimed_until, created_at)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${JOBS})
      select 'scan', cast(i as text), 'null', 'queued', i, 0, 0, 0 from n;
      insert into jobs (kind, subject, payload, state, run_at, attempts, claimed_by, claimed_until, created_at)
      values ('tidy', 'all', 'null', 'running', 0, 1, 'somebody', ${NOW + 1}, 0);`),
  )
}

describeOnEveryDatabase('a queue in which a hundred thousand jobs wait', (open) => {
  it('lets every worker look for its turn at the cost of a few rows', async () => {
    const db = await open()
    await fill(db)
    await db.migration((tx) => tx.script('analyze'))
    const reader = new ExplainingReader(db)
    for (const kinds of [['scan'], ['tidy', 'collect', 'expire'], ['unknown']]) {
      const { rows, wholeTables } = await reader.costOf(() => hasTurn(reader, kinds, NOW))
      expect(rows).toBeLessThan(5)
      // The engine that counts rows may begin to read a table where the first row will do.
      if (db.engine === 'sqlite') expect({ kinds, wholeTables }).toEqual({ kinds, wholeTables: [] })
    }
  }, 30_000)

  it('gives the next job as quickly as from an empty one', async () => {
    const db = await open()
    await fill(db)
    await claimJob(db, ['scan'], 'warm', NOW)
    const began = performance.now()
    for (let n = 2; n < 22; n++) {
      expect((await claimJob(db, ['tidy', 'scan'], 'w', NOW))?.subject).toBe(String(n))
    }
    expect(performance.now() - began).toBeLessThan(1_000)
  }, 30_000)
})
