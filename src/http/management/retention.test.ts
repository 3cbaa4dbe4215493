import { afterEach, describe, expect, it } from 'bun:test'
import { describeOnEveryDatabase, type OpenDatabase } from '../../../tests/harness/every-database.ts'
import { putDocument, TestRegistry } from '../../../tests/harness/registry.ts'
import { expectProblem, TestApi } from '../../../tests/harness/test-api.ts'
import type { RetentionPreviewBody } from '../../api/retention.ts'
import { type Actor, ANONYMOUS } from '../../core/actor.ts'
import { RETAIN_JOB } from '../../maintenance/retain-jobs.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const DAY = 86_400_000

function retentionApiContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const test = await TestRegistry.open(await open())
    opened.push(test)
    const api = new TestApi(test, test.actor(await test.user('root', { isAdmin: true })))
    await api.must('POST', 'repositories', { name: 'demo', quotaBytes: 10_000, immutableTags: ['v*'] })
    return { test, api }
  }
  const push = async (test: TestRegistry, image: string, tag: string) => {
    const text = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { tag } })
    const content = { mediaType: INDEX, bytes: new TextEncoder().encode(text) }
    return putDocument(await test.push(`demo/${image}`), content, { tags: [tag] })
  }

  describe('what a repository keeps', () => {
    it('is said when it is made and changed, shown with what it holds, and what is not sent stays', async () => {
      const { test, api } = await start()
      await push(test, 'app', 'v1')
      const shown = await api.must('GET', 'repositories/demo')
      expect(shown).toMatchObject({
        quotaBytes: 10_000,
        immutableTags: ['v*'],
        retention: { rules: [], untaggedAfterDays: null, mostPercent: 25 },
        usage: { quotaBytes: 10_000 },
      })
      expect(shown.usage.bytes).toBeGreaterThan(50)
      await api.must('PATCH', 'repositories/demo', { retention: { rules: [{ tags: ['pr-*'], keepNewest: 3 }] } })
      await api.must('PATCH', 'repositories/demo', { retention: { untaggedAfterDays: 5 } })
      const changed = await api.must('PATCH', 'repositories/demo', { quotaBytes: null })
      expect(changed).toMatchObject({
        quotaBytes: null,
        usage: { quotaBytes: null, bytes: shown.usage.bytes },
        retention: { rules: [{ tags: ['pr-*'], images: [], keepNewest: 3 }], untaggedAfterDays: 5, mostPercent: 25 },
      })
      expect((await api.must('GET', 'repositories')).items[0].usage).toBeUndefined()
    })

    it('is refused with every mistake at once', async () => {
      const { api } = await start()
      const bad = await api.ask(api.root, 'PATCH', 'repositories/demo', {
        quotaBytes: -1,
        immutableTags: ['ok', 'not ok', '-x', '', 'x'.repeat(129)],
        retention: {
          rules: [
            { tags: ['*'], keepNewest: 5_001 },
            { images: ['A', 'a**', 'a b'], keepSetWithinDays: 0 },
            { tags: ['pr-*'] },
            { keepNewest: 1, keepForEver: true },
          ],
          untaggedAfterDays: 4_000,
          mostPercent: 101,
        },
      })
      expectProblem(bad, 400, 'INVALID')
      for (const place of [
        'quotaBytes',
        'immutableTags.1',
        'immutableTags.2',
        'immutableTags.3',
        'immutableTags.4',
        'retention.rules.0.keepNewest',
        'retention.rules.1.images.0',
        'retention.rules.1.images.1',
        'retention.rules.1.images.2',
        'retention.rules.1.keepSetWithinDays',
        'retention.rules.2: the rule keeps nothing',
        'keepForEver',
        'retention.untaggedAfterDays',
        'retention.mostPercent',
      ]) {
        expect(bad.body.detail).toContain(place)
      }
      expect(bad.body.detail).not.toContain('immutableTags.0')
      for (const body of [
        { quotaBytes: 1.5 },
        { quotaBytes: '20GB' },
        { quotaBytes: 2 ** 53 },
        { immutableTags: Array.from({ length: 51 }, (_, n) => `v${n}`) },
        { retention: { rules: Array.from({ length: 21 }, () => ({ keepNewest: 1 })) } },
        { retention: null },
      ]) {
        expectProblem(await api.ask(api.root, 'PATCH', 'repositories/demo', body), 400, 'INVALID')
      }
    })
  })

  describe('a preview', () => {
    it('tries rules that are not saved, page by page, and says what the whole run would do', async () => {
      const { test, api } = await start()
      for (const image of ['a', 'b']) for (let n = 0; n < 12; n++) await push(test, image, `pr-${n}`)
      test.auth.ahead = 30 * DAY
      const rules = { rules: [{ tags: ['pr-*'], images: ['b'], keepSetWithinDays: 7 }] }
      const pages: RetentionPreviewBody[] = []
      for (let query = '?limit=5'; ; query = `?limit=5&after=${pages.at(-1)?.next}`) {
        pages.push(await api.must('POST', `repositories/demo/retention/preview${query}`, rules))
        if (pages.at(-1)?.next === undefined) break
      }
      expect(pages.map(({ items }) => items.length)).toEqual([5, 5, 2])
      expect(pages.map(({ tally }) => tally?.deletedTags)).toEqual([12, undefined, undefined])
      expect(pages[0]?.warning).toContain('12 of 24 tags would go')
      expect(pages.flatMap(({ items }) => items)[0]).toMatchObject({
        image: 'b',
        kind: 'tag',
        tag: 'pr-0',
        isDeleted: true,
        reason: 'set 30 days ago, rule 1 keeps 7',
        pulledAt: null,
      })
      const all = await api.must('POST', 'repositories/demo/retention/preview?all=true&limit=1000', rules)
      expect(all.items.length).toBe(48)
      expect((await api.must('POST', 'repositories/demo/retention/preview')).items).toEqual([])
      expect((await api.must('GET', 'repositories/demo')).retention.rules).toEqual([])
    })

    it('takes no cursor that it has not given', async () => {
      const { test, api } = await start()
      await push(test, 'app', 'pr-1')
      const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const cursors = [
        'x',
        '',
        text([]),
        text({}),
        text([1]),
        text(['1', 0]),
        text([1, -1]),
        text([1, 0, 'a']),
        text([1, 0, 'a', 'blob', 'b']),
        text([1, 0, {}, 'tag', 'b']),
        text([1, 0, 'a', 'tag', 'b', 'c']),
        text([1, 0, 'a', 'tag', 'b', [1]]),
        text([1, 0, 'a', 'tag', 'b', [['x', 1]]]),
      ]
      for (const after of cursors) {
        const path = `repositories/demo/retention/preview?after=${after}`
        expectProblem(await api.ask(api.root, 'POST', path, {}), 400, 'INVALID')
      }
      for (const after of [text([1, 0, 'zzz', 'tag', '~']), text([1, 9_000])]) {
        const page = await api.must('POST', `repositories/demo/retention/preview?after=${after}`, {})
        expect(page.items).toEqual([])
      }
      expectProblem(
        await api.ask(api.root, 'POST', 'repositories/demo/retention/preview', { rules: 1 }),
        400,
        'INVALID',
      )
    })
  })

  describe('a run', () => {
    it('is a job for the repository, in the name of who asked for it', async () => {
      const { test, api } = await start()
      expectProblem(await api.ask(api.root, 'POST', 'repositories/demo/retention/run', {}), 409, 'CONFLICT')
      expect(await api.must('GET', 'repositories/demo/retention')).toEqual({ isRunning: false, report: null })
      await api.must('PATCH', 'repositories/demo', { retention: { untaggedAfterDays: 1 } })
      const asked = await api.ask(api.root, 'POST', 'repositories/demo/retention/run', { force: true })
      expect([asked.status, asked.body]).toEqual([202, { isRunning: true, report: null }])
      const jobs = await test.db.all`select kind, payload from jobs where kind = ${RETAIN_JOB}`
      expect(jobs).toEqual([{ kind: RETAIN_JOB, payload: '{"isForced":true,"by":"root"}' }])
      expect(await api.must('GET', 'repositories/demo/retention')).toEqual({ isRunning: true, report: null })
    })

    it('and a preview are for who maintains the repository; past the guard only for who administers it', async () => {
      const { test, api } = await start()
      await api.must('PATCH', 'repositories/demo', { retention: { untaggedAfterDays: 1 } })
      const repository = await test.directory.find('demo')
      const writer = await test.user('writer')
      const maintainer = await test.user('maintainer')
      await test.grant(repository!, writer, 'writer')
      await test.grant(repository!, maintainer, 'maintainer')
      const reading: Actor = { ...test.actor(maintainer), readOnly: true }
      const stranger = test.actor(await test.user('stranger'))
      for (const [method, path] of [
        ['POST', 'preview'],
        ['POST', 'run'],
      ] as const) {
        const ask = (actor: Actor) => api.ask(actor, method, `repositories/demo/retention/${path}`, {})
        expect((await ask(test.actor(maintainer))).status).toBeLessThan(300)
        expectProblem(await ask(test.actor(writer)), 403, 'DENIED')
        expectProblem(await ask(reading), 403, 'DENIED')
        expectProblem(await ask(stranger), 404, 'NOT_FOUND')
        expectProblem(await ask(ANONYMOUS), 401, 'UNAUTHORIZED')
      }
      const forced = { force: true }
      const path = 'repositories/demo/retention/run'
      expectProblem(await api.ask(test.actor(maintainer), 'POST', path, forced), 403, 'DENIED')
      expect((await api.ask(api.root, 'POST', path, forced)).status).toBe(202)
    })
  })
}

describeOnEveryDatabase('the API of retention', retentionApiContract)
