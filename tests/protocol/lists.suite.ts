import { beforeAll, describe, expect, it } from 'bun:test'
import { expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground, Place, ReadingGround } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { type Answer, jsonOf, type RegistryClient } from './registry-client.ts'
import { image, index } from './samples.ts'
import { pushBlob } from './uploads.ts'

/** Order is by code units: capitals before small letters, and `1.10` before `1.9`. */
const TAGS = ['1.10', '1.9', '2', 'A', 'B_', 'Z.z', '_x', 'a', 'a-b', 'a.b', 'a_b', 'aa', 'latest', 'z'] as const

/** The address of the next page (RFC 8288), or null. */
function nextOf(answer: Answer): URL | null {
  const link = answer.headers.get('link')
  if (link === null) return null
  const [, target] = /^<([^>]+)>; ?rel="?next"?$/.exec(link) ?? []
  if (target === undefined) throw new Error(`no next page in Link: ${link}`)
  return new URL(target, answer.url)
}

/** Follows `Link` from page to page; answers what each page held. */
async function pages(registry: RegistryClient, first: Answer, key: 'tags' | 'repositories'): Promise<string[][]> {
  const seen: string[][] = []
  for (let answer: Answer | null = first; answer !== null; ) {
    expectStatus(answer, 200)
    expect(answer.headers.get('content-type')?.split(';')[0]).toBe('application/json')
    seen.push(jsonOf<Record<typeof key, string[]>>(answer)[key])
    const next = nextOf(answer)
    answer = next && (await registry.ask('GET', next))
    if (seen.length > 1000) throw new Error('the list does not end')
  }
  return seen
}

const BAD_LIMITS = ['-1', 'ten', '1.5', '', '1e3', ' 5', '99999999999999999999'] as const

function tagPages(current: () => Place): void {
  it.each([1, 2, 3, 5, 13, 14, 15, 1000])('come in pages of %d, in order, none twice, none lost', async (n) => {
    const { pull } = current()
    const seen = await pages(pull.registry, await pull.tags([['n', String(n)]]), 'tags')
    expect(seen.flat()).toEqual([...TAGS])
    for (const page of seen.slice(0, -1)) expect(page.length).toBe(n)
    expect(seen.length).toBe(Math.ceil(TAGS.length / n))
  })

  const PARTS: [query: [string, string][], tags: string[]][] = [
    [
      [
        ['n', '3'],
        ['last', 'a'],
      ],
      ['a-b', 'a.b', 'a_b'],
    ],
    [[['last', 'latest']], ['z']],
    [[['last', 'z']], []],
    [
      [
        ['n', '2'],
        ['last', 'no-such-tag'],
      ],
      ['z'],
    ],
    [[['last', '']], [...TAGS]],
    [
      [
        ['n', '2'],
        ['last', 'Zebra'],
      ],
      ['_x', 'a'],
    ],
    [
      [
        ['n', '1'],
        ['last', "a' or '1'='1"],
      ],
      ['a-b'],
    ],
  ]
  it.each(PARTS)('answer %j with %j', async (query, expected) => {
    const { pull } = current()
    const answer = await pull.tags(query)
    expectStatus(answer, 200)
    expect(jsonOf<{ tags: string[] }>(answer).tags).toEqual(expected)
  })

  it('are none for n=0, without a next page', async () => {
    const { pull } = current()
    const answer = await pull.tags([['n', '0']])
    expect(jsonOf<object>(answer)).toEqual({ name: pull.name, tags: [] })
    expect(answer.headers.get('link')).toBeNull()
  })

  it.each(BAD_LIMITS.map((n) => [n]))('are refused for n=%j', async (n) => {
    expectRefusal(await current().pull.tags([['n', n]]), 400, 'PAGINATION_NUMBER_INVALID')
  })
}

/** Tags as they are listed and paged. */
export function tagsSuite(ground: ReadingGround): void {
  describe('the tags of an image', () => {
    let place: Place
    beforeAll(async () => {
      place = ground.place()
      const made = await image()
      for (const one of made.blobs) await pushBlob(place.push, one.bytes, one.digest)
      for (const tag of [...TAGS].reverse()) expectStatus(await place.push.putManifest(tag, made.manifest), 201)
    })
    tagPages(() => place)

    it('are told of by HEAD in the same headers', async () => {
      const path = `/v2/${place.pull.name}/tags/list`
      const ask = (method: string) => place.pull.registry.ask(method, path, { query: [['n', '3']] })
      const [head, get] = [await ask('HEAD'), await ask('GET')]
      expectStatus(head, 200)
      for (const name of ['content-type', 'content-length', 'link']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name))
      }
    })

    it('are not found for an image that is not there', async () => {
      expectRefusal(await ground.place().pull.tags(), 404, 'NAME_UNKNOWN')
    })
  })
}

/** The catalogue of images (Docker Registry API; the specification keeps its name free). */
export function catalogueSuite(ground: Ground): void {
  describe('the catalogue', () => {
    const names: string[] = []
    beforeAll(async () => {
      const empty = index([])
      const { name } = ground.place().push
      for (const end of ['b', 'a', 'a/nested', 'a-b', 'a.b', 'c']) {
        names.push(`${name}/${end}`)
        expectStatus(await new ImageClient(ground.admin, `${name}/${end}`).putManifest('v1', empty), 201)
      }
      names.sort()
    })

    it.each([1, 4, 1000])('lists every image once, in order, in pages of %d', async (n) => {
      const first = await ground.admin.ask('GET', '/v2/_catalog', { query: [['n', String(n)]] })
      const all = (await pages(ground.admin, first, 'repositories')).flat()
      expect(all.filter((name) => names.includes(name))).toEqual(names)
      expect(all).toEqual([...new Set(all)].sort())
    })

    it('goes on after any name, also one that is not there', async () => {
      const after = async (last: string) => {
        const query = [['n', '1'] as const, ['last', last] as const]
        return jsonOf<{ repositories: string[] }>(await ground.admin.ask('GET', '/v2/_catalog', { query })).repositories
      }
      expect(await after(names[0] ?? '')).toEqual([names[1] ?? ''])
      expect(await after(`${names[0]}-`)).toEqual([names[1] ?? ''])
    })

    it('is empty for n=0 and refuses a bad n', async () => {
      const ask = (n: string) => ground.admin.ask('GET', '/v2/_catalog', { query: [['n', n]] })
      const none = await ask('0')
      expect(jsonOf<object>(none)).toEqual({ repositories: [] })
      expect(none.headers.get('link')).toBeNull()
      for (const n of BAD_LIMITS) expectRefusal(await ask(n), 400, 'PAGINATION_NUMBER_INVALID')
    })
  })
}
