import { type BackingName, programsOf } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { accessSuite } from './access.suite.ts'
import { blobPushSuite } from './blob-push.suite.ts'
import { blobReadingSuite } from './blob-reading.suite.ts'
import { brokenClientsSuite } from './broken-clients.suite.ts'
import { chunksSuite } from './chunks.suite.ts'
import { conditionalPushSuite, conditionalReadingSuite } from './conditional.suite.ts'
import { deletionSuite } from './deletion.suite.ts'
import type { ReadingGround } from './ground.ts'
import { hostileInputSuite } from './hostile-input.suite.ts'
import { catalogueSuite, tagsSuite } from './lists.suite.ts'
import { manifestPushSuite } from './manifest-push.suite.ts'
import { manifestRefusalsSuite } from './manifest-refusals.suite.ts'
import { namesSuite } from './names.suite.ts'
import { referrersSuite } from './referrers.suite.ts'
import { samplesSuite } from './samples.suite.ts'
import { sharingSuite } from './sharing.suite.ts'
import { tokensSuite } from './tokens.suite.ts'
import { useServer } from './use-server.ts'

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
    deletionSuite(ground)
    sharingSuite(ground)
    namesSuite(ground)
    brokenClientsSuite(ground)
    hostileInputSuite(ground)
    accessSuite(ground)
    tokensSuite(ground)
  })
}
