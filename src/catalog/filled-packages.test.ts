import { expect, it } from 'bun:test'
import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import type { Database } from '../storage/database.ts'
import { listAllPackages } from './packages.ts'

const ROUNDS = 60

describeOnEveryDatabase('the list of packages that hold something', (open) => {
  async function withPackage(): Promise<Database> {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.run`
        insert into repositories (id, name, prefix, class, format, visibility, settings, created_at, created_by)
        values (1, 'r', 'r/', 'local', 'oci', 'private', '{}', 0, 'test')`
      await tx.run`insert into packages (id, repository_id, name, full_name, created_at) values (1, 1, 'p', 'r/p', 0)`
    })
    return db
  }

  const add = (db: Database, digest: string) =>
    db.transaction(async (tx) => {
      await tx.run`
        insert into artifacts (package_id, digest, media_type, size, document, pushed_at, pushed_by)
        values (1, ${digest}, 'type', 1, ${new Uint8Array()}, 0, 'test') on conflict do nothing`
      await Bun.sleep(Math.random() * 4)
    })
  const remove = (db: Database, digest: string) =>
    db.transaction(async (tx) => {
      await Bun.sleep(Math.random() * 4)
      await tx.run`delete from artifacts where package_id = 1 and digest = ${digest}`
      await Bun.sleep(Math.random() * 4)
    })

  it('has a package from its first artifact to its last', async () => {
    const db = await withPackage()
    expect(await listAllPackages(db, '', 10)).toEqual([])
    await add(db, 'a')
    await add(db, 'b')
    await remove(db, 'a')
    expect(await listAllPackages(db, '', 10)).toEqual(['r/p'])
    await remove(db, 'b')
    expect(await listAllPackages(db, '', 10)).toEqual([])
    await add(db, 'a')
    expect(await listAllPackages(db, '', 10)).toEqual(['r/p'])
  })

  it('loses none that is filled at the moment when it is emptied', async () => {
    const db = await withPackage()
    await add(db, '0')
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([remove(db, String(round)), add(db, String(round + 1))])
      expect({ round, list: await listAllPackages(db, '', 10) }).toEqual({ round, list: ['r/p'] })
    }
  }, 20_000)
})
