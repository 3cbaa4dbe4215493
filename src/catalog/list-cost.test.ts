import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { ExplainingReader } from '../../tests/harness/explaining-reader.ts'
import { sharedPostgres } from '../../tests/harness/postgres.ts'
import { listGrants } from '../auth/grant.ts'
import { listTeams } from '../auth/team.ts'
import { listUsers } from '../auth/user.ts'
import { findVisibleAfter } from '../auth/visible-repositories.ts'
import type { Digest } from '../core/digest.ts'
import type { MigratableDatabase } from '../storage/migratable-database.ts'
import { migrate } from '../storage/migrate.ts'
import { PostgresDatabase } from '../storage/postgres-database.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'
import { listAllPackages, listPackages } from './packages.ts'
import { listReferrers } from './referrers.ts'
import { listRepositories } from './repositories.ts'
import { listTags } from './tags.ts'

const LIMIT = 100
/** Rows that a page may look at: its own, each once more for what hangs on it, and a few. */
const MOST_ROWS = 2 * LIMIT + 20

const TAGS = 100_000
const PACKAGES = 10_000
const REFERRERS = 10_000
const REPOSITORIES = 2_000
const SUBJECT: Digest = `sha256:${'5'.repeat(64)}`

/**
 * Repository 1 has a package with all the tags, one with all the referrers, and packages of which every hundredth holds
 * something; the others have a package each, every fifth of them is public, and a user has a grant on one.
 */
async function fill(db: MigratableDatabase): Promise<void> {
  await db.migration(async (tx) => {
    await tx.script(`
      insert into repositories (id, name, prefix, class, format, visibility, settings, created_at, created_by)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${REPOSITORIES})
      select i, 'r' || cast(100000 + i as text), 'r' || cast(100000 + i as text) || '/', 'local', 'oci',
        case when i % 5 = 0 then 'public' else 'private' end, '{}', 0, 'test' from n;
      insert into packages (id, repository_id, name, full_name, created_at)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${PACKAGES})
      select i, 1, 'p' || cast(100000 + i as text), 'r100001/p' || cast(100000 + i as text), 0 from n;
      insert into packages (id, repository_id, name, full_name, created_at)
      with recursive n (i) as (select 2 union all select i + 1 from n where i < ${REPOSITORIES})
      select ${PACKAGES} + i, i, 'app', 'r' || cast(100000 + i as text) || '/app', 0 from n;
      insert into artifacts (package_id, digest, media_type, size, document, pushed_at, pushed_by)
      select id, 'sha256:' || full_name, 'type', 1, cast('' as ${db.engine === 'sqlite' ? 'blob' : 'bytea'}), 0, 'test'
      from packages where id % 100 = 0 or id > ${PACKAGES};
      insert into artifacts (package_id, digest, media_type, artifact_type, subject, size, document, pushed_at, pushed_by)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${REFERRERS})
      select 2, 'sha256:' || cast(100000 + i as text), 'type', case when i % 2500 = 0 then 'rare' else 'common' end,
        '${SUBJECT}', 1, cast('' as ${db.engine === 'sqlite' ? 'blob' : 'bytea'}), 0, 'test' from n;
      insert into tags (package_id, name, digest, media_type, updated_at)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${TAGS})
      select 1, 't' || cast(1000000 + i as text), 'sha256:x', 'type', 0 from n;
      insert into users (id, name, is_admin, is_disabled, may_create_repositories, version, created_at)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${REPOSITORIES})
      select 'u' || cast(100000 + i as text), 'u' || cast(100000 + i as text), 0, 0, 1, 1, 0 from n;
      insert into teams (id, name, created_at) select id, name, 0 from users;
      insert into team_members (team_id, user_id) select id, id from users where id <> 'u100001';
      insert into grants (id, repository_id, image_glob, subject_kind, subject_id, role, created_at, created_by)
      select id, 1, '**', 'user', id, 'reader', 0, 'test' from users where id <> 'u100001';
      insert into grants (id, repository_id, image_glob, subject_kind, subject_id, role, created_at, created_by)
      values ('g', 1999, '**', 'user', 'u100001', 'reader', 0, 'test');
    `)
  })
  await db.migration((tx) => tx.script('analyze'))
}

function costTests(name: string, open: () => Promise<MigratableDatabase>): void {
  describe(`what a page of a list costs (${name})`, () => {
    let db: MigratableDatabase
    let reader: ExplainingReader
    beforeAll(async () => {
      db = await open()
      await migrate(db)
      await fill(db)
      reader = new ExplainingReader(db)
    }, 60_000)
    afterAll(() => db.close())

    const user = { kind: 'user', id: 'u100001', name: 'u100001', isAdmin: false } as const
    const referrers = (after: string, artifactType?: string) =>
      listReferrers(reader, 2, {
        subject: SUBJECT,
        after,
        limit: LIMIT,
        maxBytes: 1_000_000,
        ...(artifactType && { artifactType }),
      })
    const number = (first: number, share: number, most: number) => String(first + Math.floor(share * most))
    /** Each list from a place in it: 0 is its beginning, 1 its end. */
    const lists: Record<string, (share: number) => Promise<unknown>> = {
      'tags of a package with 100,000': (share) => listTags(reader, 1, `t${number(1_000_000, share, TAGS)}`, LIMIT),
      'packages of all repositories, most of them empty': (share) =>
        listAllPackages(reader, `r100001/p${number(100_000, share, PACKAGES)}`, LIMIT),
      'packages of a repository, most of them empty': (share) =>
        listPackages(reader, 1, `p${number(100_000, share, PACKAGES)}`, LIMIT),
      'referrers of a subject with 10,000': (share) => referrers(`sha256:${number(100_000, share, REFERRERS)}`),
      'referrers of a kind that few are of': (share) =>
        referrers(`sha256:${number(100_000, share, REFERRERS)}`, 'rare'),
      'referrers of a kind that nearly all are of': (share) =>
        referrers(`sha256:${number(100_000, share, REFERRERS)}`, 'common'),
      repositories: (share) => listRepositories(reader, `r${number(100_000, share, REPOSITORIES)}`, LIMIT),
      'the next repository that a reader may see': (share) =>
        findVisibleAfter(reader, user, `r${number(100_000, share, REPOSITORIES)}/`),
      users: (share) => listUsers(reader, { limit: LIMIT, after: `u${number(100_000, share, REPOSITORIES)}` }),
      teams: (share) => listTeams(reader, { limit: LIMIT, after: `u${number(100_000, share, REPOSITORIES)}` }),
      'grants of a repository': (share) =>
        listGrants(reader, 1, { limit: LIMIT, after: `u${number(100_000, share, REPOSITORIES)}` }),
    }

    for (const [list, page] of Object.entries(lists)) {
      it(`is the same at its beginning, in its middle and at its end: ${list}`, async () => {
        for (const share of [0, 0.5, 0.98]) {
          const { questions, rows, wholeTables } = await reader.costOf(() => page(share))
          expect({ share, questions, wholeTables }).toEqual({ share, questions: 1, wholeTables: [] })
          expect(rows).toBeLessThanOrEqual(MOST_ROWS)
        }
      })
    }

    it('finds what it is for', async () => {
      expect((await referrers('', 'rare')).length).toBe(REFERRERS / 2500)
      expect((await listAllPackages(reader, '', 10_000)).length).toBe(PACKAGES / 100 + 1 + REPOSITORIES - 1)
      expect(await findVisibleAfter(reader, user, 'r101996/')).toBe('r101999/')
      expect(await findVisibleAfter(reader, user, 'r100001/')).toBe('r100005/')
      expect(await findVisibleAfter(reader, user, 'r102000/')).toBeNull()
    })
  })
}

costTests('SQLite', () => SqliteDatabase.open(':memory:'))
costTests('PostgreSQL', async () => PostgresDatabase.open(await (await sharedPostgres()).createDatabase()))
