import type { Chance } from './torture.ts'

/** Tells which of these connections wait for a row that another one holds. */
export type FindBlocked = (connections: readonly number[]) => Promise<ReadonlySet<number>>

/** How long an actor may take to its next gate before it is asked whether it waits for another one, in milliseconds. */
const PATIENCE_MS = 3
/** An actor that neither goes on nor waits for another one for so long is stuck. */
const STUCK_MS = 20_000

/** One who acts beside others, and stops before each thing that he does, until it is his turn. */
export class GatedActor {
  readonly name: string
  #connection: number | null = null
  #state: 'running' | 'waiting' | 'done' = 'running'
  #open: () => void = () => {}
  readonly #onChange: () => void
  readonly #onRelease: () => void
  readonly #trace: string[]

  /**
   * @param onChange   called when the actor has come to a gate or to its end
   * @param onRelease  called when the actor has let go of the rows that it held
   */
  constructor(name: string, trace: string[], onChange: () => void, onRelease: () => void) {
    this.name = name
    this.#trace = trace
    this.#onChange = onChange
    this.#onRelease = onRelease
  }

  /** The connection of the transaction under way, to find out whether it waits for another one. */
  get connection(): number | null {
    return this.#connection
  }

  set connection(connection: number | null) {
    this.#connection = connection
    if (connection === null) this.#onRelease()
  }

  get state(): 'running' | 'waiting' | 'done' {
    return this.#state
  }

  /** Stops here until it is this actor's turn. */
  async pass(what: string): Promise<void> {
    this.#state = 'waiting'
    const opened = new Promise<void>((resolve) => {
      this.#open = resolve
    })
    this.#onChange()
    await opened
    this.#trace.push(`${this.name}: ${what}`)
  }

  goOn(): void {
    this.#state = 'running'
    this.#open()
  }

  end(): void {
    this.#state = 'done'
    this.#onChange()
  }
}

/** Lets actors act in an order that chance decides, one step of one of them at a time. */
export class Interleaving {
  /** Every step in the order in which it was begun. */
  readonly trace: string[] = []
  /** How often an actor was seen waiting for another one's row. */
  blocked = 0
  readonly #chance: Chance
  readonly #findBlocked: FindBlocked | null
  readonly #actors: GatedActor[] = []
  readonly #ends: Promise<void>[] = []
  /** Those that wait for a row; so they stay until somebody lets go of some. */
  readonly #heldUp = new Set<GatedActor>()
  #changed = Promise.withResolvers<void>()

  /** @param findBlocked  null where transactions come one after the other, so that nobody waits in the middle of one */
  constructor(chance: Chance, findBlocked: FindBlocked | null) {
    this.#chance = chance
    this.#findBlocked = findBlocked
  }

  add(name: string, act: (actor: GatedActor) => Promise<void>): void {
    const onChange = (): void => {
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    }
    const actor = new GatedActor(name, this.trace, onChange, () => this.#heldUp.clear())
    this.#actors.push(actor)
    const acting = actor.pass('begin').then(() => act(actor))
    this.#ends.push(acting.finally(() => actor.end()))
  }

  /** Resolves when all have come to their end. @throws what the first of them threw */
  async run(): Promise<void> {
    const ends = Promise.allSettled(this.#ends)
    for (;;) {
      await this.#settle()
      const waiting = this.#actors.filter(({ state }) => state === 'waiting')
      if (waiting.length > 0) this.#chance.pick(waiting).goOn()
      else if (this.#actors.every(({ state }) => state === 'done')) break
    }
    for (const end of await ends) if (end.status === 'rejected') throw end.reason
  }

  /** Waits until everybody is at a gate, has ended, or waits for somebody else who is. */
  async #settle(): Promise<void> {
    const begun = performance.now()
    for (;;) {
      const running = this.#actors.filter((actor) => actor.state === 'running' && !this.#heldUp.has(actor))
      if (running.length === 0 && this.#canGoOn()) return
      if (await this.#changesWithin(PATIENCE_MS)) continue
      if (this.#findBlocked) await this.#holdUp(running, this.#findBlocked)
      if (performance.now() - begun < STUCK_MS) continue
      const stuck = this.#actors.filter(({ state }) => state === 'running')
      throw new Error(`stuck: ${stuck.map(({ name }) => name).join(', ')}\n${this.trace.join('\n')}`)
    }
  }

  async #changesWithin(ms: number): Promise<boolean> {
    const changed = this.#changed.promise.then(() => true)
    return Promise.race([changed, Bun.sleep(ms).then(() => false)])
  }

  /** Whether somebody is at a gate; else those that wait for rows wait for each other, and the database will part them. */
  #canGoOn(): boolean {
    return this.#actors.every(({ state }) => state === 'done') || this.#actors.some(({ state }) => state === 'waiting')
  }

  async #holdUp(running: readonly GatedActor[], findBlocked: FindBlocked): Promise<void> {
    const connections = running.map(({ connection }) => connection).filter((connection) => connection !== null)
    if (connections.length === 0) return
    const blocked = await findBlocked(connections)
    for (const actor of running) {
      if (actor.state !== 'running' || actor.connection === null || !blocked.has(actor.connection)) continue
      this.#heldUp.add(actor)
      this.blocked++
    }
  }
}
