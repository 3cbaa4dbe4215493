import { afterAll, beforeAll, expect, it } from 'bun:test'
import { type Backing, programsOf, startBacking } from '../harness/backing.ts'
import { type CuttingProxy, startCuttingProxy } from '../harness/cutting-proxy.ts'
import { importAdvisoryText, manage, setPolicy } from '../harness/management.ts'
import { describeWith } from '../harness/program.ts'
import type { PulledImage } from '../harness/pulled-image.ts'
import { type Account, readFromRegistry } from '../harness/registry-reader.ts'
import type { Finished } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { makeImage, makeIndex, type TestImage, type TestIndex } from '../harness/test-image.ts'
import { makeVulnerableImage, REASON, TRACKER } from './vulnerable-image.ts'

/** How a pull ended; `image` is what the client then holds, null when it holds nothing. */
export interface PullResult extends Finished {
  readonly image: PulledImage | null
}

/**
 * A client as one person uses it, with a home and a store of its own: it knows no password at the start.
 *
 * A `reference` is `host/repository/image:tag`. What a client has no command for is absent.
 */
export interface RegistryClient {
  login(host: string, user: string, password: string): Promise<Finished>
  push(image: TestImage, reference: string): Promise<Finished>
  pushIndex(index: TestIndex, reference: string): Promise<Finished>
  /** Forgets all it holds, then pulls: every byte comes from the registry. */
  pull(reference: string, architecture?: string): Promise<PullResult>
  listTags?(name: string): Promise<Finished>
  remove?(reference: string): Promise<Finished>
}

/** A client program made ready, with its engine where it needs one. */
export interface ClientProgram {
  /** A person who has just installed it. */
  open(): Promise<RegistryClient>
  stop(): Promise<void>
}

/** What is known of a client beyond its commands. */
export interface ClientTraits {
  /** The programs without which its tests are skipped. */
  readonly needs: readonly string[]
  /** Pushes an index byte for byte; other clients write a list of their own. */
  readonly keepsIndex: boolean
  /** Whether it has commands to list tags and to delete; what it cannot do is not tested. */
  readonly lists: boolean
  readonly deletes: boolean
  /** How often a person must call it when one connection breaks in the middle: 1 when it goes on by itself. */
  readonly runsAfterCut: { readonly push: 1 | 2; readonly pull: 1 | 2 }
  /** After a break in a pull it asks for the rest of the layer by `Range`; other clients begin the layer anew. */
  readonly resumesPull: boolean
}

const SLOW_MS = 120_000
const LARGE_LAYER = 6_000_000
const CUT_AFTER = 2_500_000

/** What every client can do with Seawall, written once. */
export function clientContract(name: string, traits: ClientTraits, start: () => Promise<ClientProgram>): void {
  describeWith(traits.needs, `${name} works with Seawall`, () => {
    let seawall: Seawall
    let client: ClientProgram

    beforeAll(async () => {
      seawall = await startSeawall()
      client = await start()
    }, SLOW_MS)

    afterAll(async () => {
      await client?.stop()
      await seawall?.stop()
    }, SLOW_MS)

    const admin = (): Account => ({ url: seawall.url, user: 'admin', password: seawall.adminPassword })

    async function signedIn(host = seawall.host): Promise<RegistryClient> {
      const person = await client.open()
      succeeded(await person.login(host, 'admin', seawall.adminPassword))
      return person
    }

    it(
      'signs in and pushes an image, and every byte of it arrives',
      async () => {
        const image = await makeImage([2_000_000, 30_000])
        const person = await signedIn()
        succeeded(await person.push(image, `${seawall.host}/demo/pushed:1.0`))
        const held = await readFromRegistry(admin(), 'demo/pushed', '1.0')
        expect(held?.images).toEqual([contentsOf(image)])
      },
      SLOW_MS,
    )

    it(
      'pulls an image by its tag and by its digest, byte for byte',
      async () => {
        const image = await makeImage([500_000, 30_000])
        const person = await signedIn()
        succeeded(await person.push(image, `${seawall.host}/demo/pulled:1.0`))
        const byTag = succeeded(await person.pull(`${seawall.host}/demo/pulled:1.0`))
        expect(byTag.image).toEqual(contentsOf(image))
        const held = await readFromRegistry(admin(), 'demo/pulled', '1.0')
        const byDigest = succeeded(await person.pull(`${seawall.host}/demo/pulled@${held?.digest}`))
        expect(byDigest.image).toEqual(contentsOf(image))
      },
      SLOW_MS,
    )

    it(
      'pushes again what is there already, and under a second tag',
      async () => {
        const image = await makeImage([200_000])
        const person = await signedIn()
        for (const tag of ['1.0', '1.0', '1']) succeeded(await person.push(image, `${seawall.host}/demo/again:${tag}`))
        const [first, second] = await Promise.all(
          ['1.0', '1'].map((tag) => readFromRegistry(admin(), 'demo/again', tag)),
        )
        expect(first?.digest).toEqual(second!.digest)
      },
      SLOW_MS,
    )

    it(
      'pushes an index of two platforms and pulls the one that is asked for',
      async () => {
        const index = await makeIndex(['amd64', 'arm64'])
        const person = await signedIn()
        succeeded(await person.pushIndex(index, `${seawall.host}/demo/platforms:1.0`))
        const held = await readFromRegistry(admin(), 'demo/platforms', '1.0')
        expect(held?.images).toEqual(index.images.map(contentsOf))
        if (traits.keepsIndex) expect(held?.digest).toBe(index.index.digest)
        for (const image of index.images) {
          const pulled = succeeded(await person.pull(`${seawall.host}/demo/platforms:1.0`, image.architecture))
          expect(pulled.image).toEqual(contentsOf(image))
        }
      },
      SLOW_MS,
    )

    const itIf = (can: boolean, sentence: string, work: () => Promise<void>) => can && it(sentence, work, SLOW_MS)

    itIf(traits.lists, 'lists the tags in order', async () => {
      const person = await signedIn()
      const image = await makeImage([1_000])
      for (const tag of ['beta', 'alpha', '1.0'])
        succeeded(await person.push(image, `${seawall.host}/demo/tags:${tag}`))
      const { stdout } = succeeded(await person.listTags!(`${seawall.host}/demo/tags`))
      const listed = [...stdout.matchAll(/(?<=^|[\s"])(beta|alpha|1\.0)(?=$|[\s",])/gm)].map(([tag]) => tag)
      expect(listed).toEqual(['1.0', 'alpha', 'beta'])
    })

    itIf(traits.deletes, 'deletes an image, which is gone at once', async () => {
      const person = await signedIn()
      const reference = `${seawall.host}/demo/deleted:1.0`
      succeeded(await person.push(await makeImage([1_000]), reference))
      succeeded(await person.remove!(reference))
      expect(await readFromRegistry(admin(), 'demo/deleted', '1.0')).toBeNull()
      expect((await person.pull(reference)).code).not.toBe(0)
    })

    it(
      'is refused with a wrong password, says so, and leaves nothing behind',
      async () => {
        const person = await client.open()
        const login = await person.login(seawall.host, 'admin', 'not-the-password')
        const push = await person.push(await makeImage([1_000]), `${seawall.host}/demo/forged:1.0`)
        expect(push.code).not.toBe(0)
        expect(saidBy(login) + saidBy(push)).toMatch(
          /unauthorized|denied|authentication required|invalid username\/password/i,
        )
        expect(await readFromRegistry(admin(), 'demo/forged', '1.0')).toBeNull()
      },
      SLOW_MS,
    )

    it(
      'may not pull a private image without a password',
      async () => {
        const reference = `${seawall.host}/demo/private:1.0`
        succeeded(await (await signedIn()).push(await makeImage([1_000]), reference))
        const stranger = await client.open()
        const pulled = await stranger.pull(reference)
        expect(pulled.code).not.toBe(0)
        expect(pulled.image).toBeNull()
      },
      SLOW_MS,
    )

    it(
      'may not pull what the rule of the repository blocks, and shows the person why',
      async () => {
        await importAdvisoryText(seawall, TRACKER)
        const image = await makeVulnerableImage()
        const reference = `${seawall.host}/guarded/app:1.0`
        const person = await signedIn()
        succeeded(await person.push(image, reference))
        await setPolicy(seawall, 'guarded', { mode: 'deny', blockSeverity: 'unknown', onlyFixable: true })
        const pulled = await person.pull(reference)
        expect(pulled.code).not.toBe(0)
        expect(pulled.image).toBeNull()
        for (const word of Object.values(REASON)) expect(saidBy(pulled)).toContain(word)
        await setPolicy(seawall, 'guarded', { mode: 'warn' })
        expect(succeeded(await person.pull(reference)).image).toEqual(contentsOf(image))
      },
      SLOW_MS,
    )

    it(
      'may not push more than the quota of the repository allows, and shows the person why',
      async () => {
        await manage(seawall, 'POST', 'repositories', { name: 'small', quotaBytes: 100_000 })
        const person = await signedIn()
        succeeded(await person.push(await makeImage([20_000]), `${seawall.host}/small/app:1.0`))
        const refused = await person.push(await makeImage([400_000]), `${seawall.host}/small/app:2.0`)
        expect(refused.code).not.toBe(0)
        // Two of them show the status alone, whatever they are told.
        expect(saidBy(refused)).toMatch(/quota exceeded: the repository holds \d+ of 100000 bytes|403/)
        expect(await readFromRegistry(admin(), 'small/app', '2.0')).toBeNull()
        await manage(seawall, 'PATCH', 'repositories/small', { quotaBytes: 1_000_000 })
        succeeded(await person.push(await makeImage([400_000]), `${seawall.host}/small/app:2.0`))
      },
      SLOW_MS,
    )

    async function throughBadNetwork<T>(
      direction: 'up' | 'down',
      work: (person: RegistryClient, host: string) => Promise<T>,
    ): Promise<{ done: T; bytes: number }> {
      const proxy: CuttingProxy = await startCuttingProxy(seawall.host, { direction, afterBytes: CUT_AFTER })
      try {
        const done = await work(await signedIn(proxy.host), proxy.host)
        expect(proxy.cuts).toBe(1)
        return { done, bytes: proxy.bytes }
      } finally {
        await proxy.stop()
      }
    }

    it(
      'brings a push to its end when the connection breaks in the middle of a layer',
      async () => {
        const image = await makeImage([LARGE_LAYER, 30_000])
        await throughBadNetwork('up', (person, host) =>
          runUpTo(traits.runsAfterCut.push, () => person.push(image, `${host}/demo/cut-push:1.0`)),
        )
        const held = await readFromRegistry(admin(), 'demo/cut-push', '1.0')
        expect(held?.images).toEqual([contentsOf(image)])
      },
      SLOW_MS,
    )

    it(
      'brings a pull to its end when the connection breaks in the middle of a layer',
      async () => {
        const image = await makeImage([LARGE_LAYER, 30_000])
        succeeded(await (await signedIn()).push(image, `${seawall.host}/demo/cut-pull:1.0`))
        const { done, bytes } = await throughBadNetwork('down', (person, host) =>
          runUpTo(traits.runsAfterCut.pull, () => person.pull(`${host}/demo/cut-pull:1.0`)),
        )
        expect(done.image).toEqual(contentsOf(image))
        if (traits.resumesPull) expect(bytes).toBeLessThan(LARGE_LAYER + CUT_AFTER)
      },
      SLOW_MS,
    )
  })
}

/** The same client where blobs lie in an object store and a pull is sent there by links. */
export function objectStoreContract(name: string, traits: ClientTraits, start: () => Promise<ClientProgram>): void {
  describeWith([...traits.needs, ...programsOf('postgres-s3')], `${name} works with Seawall on an object store`, () => {
    let backing: Backing
    let seawall: Seawall
    let client: ClientProgram

    beforeAll(async () => {
      backing = await startBacking('postgres-s3')
      // under another host name than ours, as in real life: clients keep their credentials from other hosts
      const store = backing.env.SEAWALL_STORE?.replace('127.0.0.1', 'localhost')
      seawall = await startSeawall({ env: { ...backing.env, SEAWALL_STORE: `${store}&redirect=true` } })
      client = await start()
    }, SLOW_MS)

    afterAll(async () => {
      await client?.stop()
      await seawall?.stop()
      await backing?.stop()
    }, SLOW_MS)

    it(
      'pushes an image there, and follows the links to its blobs when it pulls',
      async () => {
        const image = await makeImage([LARGE_LAYER, 30_000])
        const reference = `${seawall.host}/demo/far:1.0`
        const person = await client.open()
        succeeded(await person.login(seawall.host, 'admin', seawall.adminPassword))
        succeeded(await person.push(image, reference))
        expect(succeeded(await person.pull(reference)).image).toEqual(contentsOf(image))
      },
      SLOW_MS,
    )
  })
}

function contentsOf(image: TestImage): PulledImage {
  return { config: image.config.digest, diffIds: image.diffIds }
}

function saidBy(finished: Finished): string {
  return `${finished.stdout}\n${finished.stderr}`
}

/** The error of a failed command is what it said, not a bare number. */
function succeeded<T extends Finished>(finished: T): T {
  if (finished.code !== 0) throw new Error(`the client ended with ${finished.code}:\n${saidBy(finished)}`)
  return finished
}

/** Does what a person does after a failure: calls the same command again. */
async function runUpTo<T extends Finished>(runs: number, command: () => Promise<T>): Promise<T> {
  let finished = await command()
  for (let run = 1; run < runs && finished.code !== 0; run += 1) finished = await command()
  return succeeded(finished)
}
