import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { TestRegistry } from '../../tests/harness/registry.ts'
import type { Actor } from '../core/actor.ts'
import { migrate } from '../storage/migrate.ts'
import { SqliteDatabase } from '../storage/sqlite-database.ts'

/** In the order of names the second comes after the first; in the order of their images before it. */
const NAMES = ['a', 'a-b', 'a.b', 'a0', 'ab', 'b'] as const

describe('the catalogue of somebody who may read some repositories', () => {
  let db: SqliteDatabase
  let test: TestRegistry
  let reader: Actor
  beforeAll(async () => {
    db = await SqliteDatabase.open(':memory:')
    await migrate(db)
    test = await TestRegistry.open(db)
    reader = test.actor(await test.user('reader'))
    for (const name of NAMES) {
      const { id } = await test.repository(name)
      await db.transaction(async (tx) => {
        for (const image of ['x', 'y', 'z']) {
          await tx.run`
            insert into packages (repository_id, name, full_name, created_at)
            values (${id}, ${image}, ${`${name}/${image}`}, 0)`
        }
        // the last one holds nothing
        await tx.run`
          insert into artifacts (package_id, digest, media_type, size, document, pushed_at, pushed_by)
          select id, full_name, 'type', 1, ${new Uint8Array()}, 0, 'test' from packages
          where repository_id = ${id} and name <> 'z'`
      })
    }
  })
  afterAll(async () => {
    await test.close()
    await db.close()
  })

  async function pages(limit: number): Promise<string[]> {
    const names: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await test.registry.catalog(reader, { limit, ...(after !== undefined && { after }) })
      names.push(...page.items)
      if (page.next === undefined) return names
      after = page.next
    }
  }

  it('has all that is theirs and nothing else, whichever repositories those are and however long a page is', async () => {
    for (let choice = 0; choice < 2 ** NAMES.length; choice++) {
      const open = NAMES.filter((_, at) => (choice >> at) & 1)
      await db.transaction(async (tx) => {
        for (const name of NAMES) {
          const visibility = open.includes(name) ? 'internal' : 'private'
          await tx.run`update repositories set visibility = ${visibility} where name = ${name}`
        }
      })
      for (const name of NAMES) test.directory.forget(name)
      const expected = open.flatMap((name) => [`${name}/x`, `${name}/y`]).sort()
      for (const limit of [1, 3, 100]) expect(await pages(limit)).toEqual(expected)
    }
  })
})
