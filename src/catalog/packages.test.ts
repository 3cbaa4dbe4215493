import { expect, it } from 'bun:test'
import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { DEFAULT_SETTINGS } from '../core/repository.ts'
import { savePackage } from './packages.ts'
import { saveRepository } from './repositories.ts'

describeOnEveryDatabase('a package', (open) => {
  it('is one, and nobody fails, when many make it at once', async () => {
    const db = await open()
    const wish = {
      name: 'demo',
      class: 'local',
      format: 'oci',
      visibility: 'private',
      settings: DEFAULT_SETTINGS,
    } as const
    const repository = await db.transaction((tx) => saveRepository(tx, { ...wish, createdAt: 1, createdBy: 'test' }))
    if (!repository) throw new Error('the repository was not made')
    for (let round = 0; round < 40; round++) {
      const makers = Array.from({ length: 8 }, () =>
        db.transaction((tx) => savePackage(tx, repository, `app-${round}`, 1)),
      )
      expect(new Set(await Promise.all(makers)).size).toBe(1)
    }
  })
})
