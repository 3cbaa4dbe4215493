import { expect } from 'bun:test'
import { expectBytes, expectStatus } from '../protocol/expect-answer.ts'
import { type ImageClient, locationOf } from '../protocol/image-client.ts'
import type { Content } from '../protocol/samples.ts'
import { closeUpload, sendChunk } from '../protocol/uploads.ts'

const STEP_BYTES = 60_001
const CLAIM_PATIENCE_MS = 20_000

/** An upload in chunks that a crash interrupts, and what of it was acknowledged. */
export class LongUpload {
  readonly #app: ImageClient
  readonly #location: URL
  readonly #made: Content
  #acknowledged = 0

  private constructor(app: ImageClient, location: URL, made: Content) {
    this.#app = app
    this.#location = location
    this.#made = made
  }

  static async begin(app: ImageClient, made: Content): Promise<LongUpload> {
    return new LongUpload(app, locationOf(await app.postUpload()), made)
  }

  /** Sends chunks until no answer comes any more; never closes the upload. */
  async send(isOver: () => boolean): Promise<void> {
    while (!isOver() && this.#acknowledged < this.#made.bytes.length) {
      const chunk = this.#made.bytes.slice(this.#acknowledged, this.#acknowledged + STEP_BYTES)
      const answer = await sendChunk(this.#app, this.#location, chunk, this.#acknowledged)
      if (answer.status !== 202) return
      this.#acknowledged += chunk.length
    }
  }

  /** Goes on from where the registry says it is, which must not be before the last acknowledged byte. */
  async finish(): Promise<void> {
    const status = await this.#app.registry.ask('GET', this.#location)
    expectStatus(status, 204)
    const last = Number(status.headers.get('range')?.slice(2))
    const taken = last === 0 ? 0 : last + 1
    // What the server had taken but could not say any more may be there or not.
    expect(taken).toBeGreaterThanOrEqual(this.#acknowledged)
    const rest = this.#made.bytes.slice(taken)
    if (rest.length > 0) expectStatus(await this.#sendOnceFree(rest, taken), 202)
    expectStatus(await closeUpload(this.#app, this.#location, this.#made.digest), 201)
    expectBytes((await this.#app.blob('GET', this.#made.digest)).bytes, this.#made.bytes)
  }

  /** With several replicas nobody can know that a writer is dead before its claim has ended. */
  async #sendOnceFree(rest: Uint8Array<ArrayBuffer>, from: number) {
    const deadline = Date.now() + CLAIM_PATIENCE_MS
    for (;;) {
      const answer = await sendChunk(this.#app, this.#location, rest, from)
      if (answer.status !== 416 || Date.now() > deadline) return answer
      await Bun.sleep(500)
    }
  }
}
