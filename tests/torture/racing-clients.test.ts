import { afterAll, beforeAll, it } from 'bun:test'
import { Administration } from '../harness/administration.ts'
import { BACKINGS, type Backing, type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { expectBytes, expectContentHeaders, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { type Answer, RegistryClient } from '../protocol/registry-client.ts'
import { type Content, image, index, type SampleImage } from '../protocol/samples.ts'
import { pushBlob, UPLOAD_WAYS } from '../protocol/uploads.ts'

const RACE_MS = 4_000
const RACERS = 12
const TAGS = ['a', 'b', 'c']

function pick<T>(list: readonly T[]): T {
  const one = list[Math.floor(Math.random() * list.length)]
  if (one === undefined) throw new RangeError('nothing to pick from')
  return one
}

/** Everybody works on the same few images and blobs at once. */
interface Race {
  readonly apps: readonly ImageClient[]
  readonly images: readonly SampleImage[]
}

type Step = (race: Race) => Promise<{ answer: Answer; allowed: readonly number[]; content?: Content }>

function anyBlob({ images }: Race): Content {
  return pick(pick(images).blobs)
}

/** What somebody may do, and the answers that it may have; a fault of the server's is never among them. */
const STEPS: Readonly<Record<string, Step>> = {
  async pushBlob(race) {
    const one = anyBlob(race)
    return { answer: await pick(UPLOAD_WAYS).push(pick(race.apps), one.bytes, one.digest), allowed: [201] }
  },
  async mountBlob(race) {
    const query: [string, string][] = [['mount', anyBlob(race).digest]]
    if (Math.random() < 0.5) query.push(['from', pick(race.apps).name])
    return { answer: await pick(race.apps).postUpload(query), allowed: [201, 202] }
  },
  async deleteBlob(race) {
    return { answer: await pick(race.apps).blob('DELETE', anyBlob(race).digest), allowed: [202, 404] }
  },
  async getBlob(race) {
    const content = anyBlob(race)
    return { answer: await pick(race.apps).blob('GET', content.digest), allowed: [200, 404], content }
  },
  async headBlob(race) {
    return { answer: await pick(race.apps).blob('HEAD', anyBlob(race).digest), allowed: [200, 404] }
  },
  async putManifest(race) {
    const { manifest } = pick(race.images)
    const answer = await pick(race.apps).putManifest(manifest.digest, manifest, [pick(TAGS), pick(TAGS)])
    return { answer, allowed: [201, 400] }
  },
  async putIndex(race) {
    const top = index(race.images.map((one) => one.manifest))
    return { answer: await pick(race.apps).putManifest(pick(TAGS), top), allowed: [201] }
  },
  async deleteManifest(race) {
    const reference = pick([...TAGS, pick(race.images).manifest.digest])
    return { answer: await pick(race.apps).manifest('DELETE', reference), allowed: [202, 404] }
  },
  async getManifest(race) {
    const content = pick(race.images).manifest
    return { answer: await pick(race.apps).manifest('GET', content.digest), allowed: [200, 404], content }
  },
  async listTags(race) {
    return { answer: await pick(race.apps).tags(), allowed: [200, 404] }
  },
  async listReferrers(race) {
    return { answer: await pick(race.apps).referrers(pick(race.images).manifest.digest), allowed: [200] }
  },
}

async function run(race: Race, end: number): Promise<void> {
  while (Date.now() < end) {
    const [name, step] = pick(Object.entries(STEPS))
    const { answer, allowed, content } = await step(race)
    if (!allowed.includes(answer.status)) {
      throw new Error(`${name}: ${answer.status} ${new TextDecoder().decode(answer.bytes)}`)
    }
    if (content && answer.status === 200) expectBytes(answer.bytes, content.bytes)
  }
}

function racingTests(name: BackingName): void {
  describeWith(programsOf(name), `clients that race on ${name}`, () => {
    let backing: Backing
    let server: Seawall
    let race: Race
    let client: RegistryClient

    beforeAll(async () => {
      backing = await startBacking(name)
      server = await startSeawall({ env: backing.env })
      await new Administration(server.url, server.adminPassword).createRepository('race')
      client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
      const apps = ['race/one', 'race/two', 'race/three'].map((path) => new ImageClient(client, path))
      race = { apps, images: await Promise.all([image(), image(), image()]) }
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
      await backing?.stop()
    })

    it('get no faults and no wrong bytes', async () => {
      const end = Date.now() + RACE_MS
      await Promise.all(Array.from({ length: RACERS }, () => run(race, end)))
    }, 60_000)

    it('make a repository together, by the first push of each', async () => {
      for (let round = 0; round < 5; round++) {
        const repository = `first-${crypto.randomUUID().slice(0, 8)}`
        const pushes = race.images.flatMap((made, at) =>
          [0, 1, 2].map(async (turn) => {
            const app = new ImageClient(client, `${repository}/app-${turn === 0 ? 'same' : at}`)
            for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
            expectStatus(await app.putManifest(`t${at}`, made.manifest), 201)
          }),
        )
        await Promise.all(pushes)
      }
    }, 60_000)

    it('leave everything in order', async () => {
      for (const app of race.apps) {
        for (const made of race.images) {
          for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
          expectStatus(await app.putManifest('whole', made.manifest), 201)
          const answer = await app.manifest('GET', 'whole')
          expectContentHeaders(answer, made.manifest)
          for (const one of made.blobs) expectBytes((await app.blob('GET', one.digest)).bytes, one.bytes)
        }
      }
    }, 60_000)
  })
}

for (const name of BACKINGS) racingTests(name)
