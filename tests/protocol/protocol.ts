import { afterAll, beforeAll } from 'bun:test'
import { Administration } from '../harness/administration.ts'
import { type Backing, type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { accessSuite } from './access.suite.ts'
import { blobPushSuite } from './blob-push.suite.ts'
import { blobReadingSuite } from './blob-reading.suite.ts'
import { brokenClientsSuite } from './broken-clients.suite.ts'
import { chunksSuite } from './chunks.suite.ts'
import { conditionalPushSuite, conditionalReadingSuite } from './conditional.suite.ts'
import type { Ground, Place, ReadingGround } from './ground.ts'
import { hostileInputSuite } from './hostile-input.suite.ts'
import { ImageClient } from './image-client.ts'
import { catalogueSuite, tagsSuite } from './lists.suite.ts'
import { manifestPushSuite } from './manifest-push.suite.ts'
import { manifestRefusalsSuite } from './manifest-refusals.suite.ts'
import { namesSuite } from './names.suite.ts'
import { referrersSuite } from './referrers.suite.ts'
import { RegistryClient } from './registry-client.ts'
import { samplesSuite } from './samples.suite.ts'
import { sharingSuite } from './sharing.suite.ts'
import { tokensSuite } from './tokens.suite.ts'

/** What every class of repository must do, also one that only passes on what was pushed elsewhere. */
export function readingTests(ground: ReadingGround): void {
  samplesSuite(ground)
  blobReadingSuite(ground)
  conditionalReadingSuite(ground)
  tagsSuite(ground)
}

/** The whole protocol over one server, started on a backing of its own. */
export function protocolTests(backing: BackingName): void {
  describeWith(programsOf(backing), `the distribution protocol on ${backing}`, () => {
    const ground = useServer(backing)
    readingTests(ground)
    blobPushSuite(ground)
    chunksSuite(ground)
    manifestPushSuite(ground)
    manifestRefusalsSuite(ground)
    conditionalPushSuite(ground)
    catalogueSuite(ground)
    referrersSuite(ground)
    sharingSuite(ground)
    namesSuite(ground)
    brokenClientsSuite(ground)
    hostileInputSuite(ground)
    accessSuite(ground)
    tokensSuite(ground)
  })
}

/** A server for the tests of a group; its parts are there once the group's tests run, not while they are described. */
function useServer(name: BackingName): Ground {
  const unready = (): never => {
    throw new Error('the server is there only while tests run')
  }
  const current: { backing?: Backing; ground?: Ground } = {}
  beforeAll(async () => {
    const backing = await startBacking(name)
    current.backing = backing
    const server = await startSeawall({ env: backing.env })
    current.ground = groundOf(server)
    await current.ground.administration.createRepository('protocol')
    await current.ground.administration.createRepository('protocol-any', { completeness: 'any' })
  }, 120_000)
  afterAll(async () => {
    await current.ground?.server.stop()
    await current.backing?.stop()
  }, 60_000)
  const ground = () => current.ground ?? unready()
  return {
    takesPushes: true,
    place: (completeness) => ground().place(completeness),
    get server() {
      return ground().server
    },
    get admin() {
      return ground().admin
    },
    get administration() {
      return ground().administration
    },
  }
}

function groundOf(server: Seawall): Ground {
  const admin = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
  const place = (completeness?: 'any'): Place => {
    const repository = completeness === 'any' ? 'protocol-any' : 'protocol'
    const image = new ImageClient(admin, `${repository}/${crypto.randomUUID()}`)
    return { push: image, pull: image }
  }
  const administration = new Administration(server.url, server.adminPassword)
  return { takesPushes: true, server, admin, administration, place }
}
