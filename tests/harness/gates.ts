import type { Chance } from './torture.ts'

/** Tells which of these connections wait for a row that another one holds. */
export type FindBlocked = (connections: readonly number[]) => Promise<ReadonlySet<number>>

/** How long an actor may take to its next gate before it is asked whether it waits for another one, in milliseconds. */
const PATIENCE_MS = 3
/** An actor that neither goes on nor waits for another one for so long is stuck. */
const STUCK_MS = 20_000

/** What an actor tells of itself. */
interface ActorEvents {
  /** It has come to a gate or to its end. */
  onChange(): void
  /** It has let go of the rows that it held. */
  onRelease(): void
}

/**
 * One who acts beside others, and stops before each thing that he does, until it is his turn. He may do something behind
 * what he does, as a request that writes something down after its answer: then he stops at two gates.
 */
export class GatedActor {
  readonly name: string
  readonly #trace: string[]
  readonly #events: ActorEvents
  /** The connections of his transactions under way, to find out whether he waits for somebody. */
  readonly #connections = new Set<number>()
  readonly #gates: (() => void)[] = []
  #isRunning = true
  #hasEnded = false
  #isFree = false

  constructor(name: string, trace: string[], events: ActorEvents) {
    this.name = name
    this.#trace = trace
    this.#events = events
  }

  get state(): 'running' | 'waiting' | 'done' {
    if (this.#isRunning) return 'running'
    return this.#gates.length > 0 ? 'waiting' : 'done'
  }

  get connections(): readonly number[] {
    return [...this.#connections]
  }

  /** Whether he stands at a gate, whatever else he is doing. */
  get isAtGate(): boolean {
    return this.#gates.length > 0
  }

  /** Stops here until it is this actor's turn. */
  async pass(what: string): Promise<void> {
    if (this.#isFree) return
    const opened = new Promise<void>((resolve) => this.#gates.push(resolve))
    this.rest()
    await opened
    this.#trace.push(`${this.name}: ${what}`)
  }

  /** Opens the gate at which he has stood longest. */
  goOn(): void {
    this.#isRunning = !this.#hasEnded
    this.#gates.shift()?.()
  }

  /** What he did last is over, though he has come to no other gate: it was done behind something else. */
  rest(): void {
    this.#isRunning = false
    this.#events.onChange()
  }

  connect(connection: number): void {
    this.#connections.add(connection)
  }

  release(connection: number): void {
    this.#connections.delete(connection)
    this.#events.onRelease()
  }

  end(): void {
    this.#hasEnded = true
    this.rest()
  }

  /** Lets him do what is left to do as he likes. */
  free(): void {
    this.#isFree = true
    for (const open of this.#gates.splice(0)) open()
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
    const actor = new GatedActor(name, this.trace, { onChange, onRelease: () => this.#heldUp.clear() })
    this.#actors.push(actor)
    const acting = actor.pass('begin').then(() => act(actor))
    this.#ends.push(acting.finally(() => actor.end()))
  }

  /** Resolves when all have come to their end. @throws what the first of them threw */
  async run(): Promise<void> {
    const ends = Promise.allSettled(this.#ends)
    for (;;) {
      await this.#settle()
      const waiting = this.#actors.filter((actor) => this.#canAct(actor))
      if (waiting.length > 0) this.#chance.pick(waiting).goOn()
      else if (this.#actors.every(({ state }) => state === 'done')) break
    }
    for (const actor of this.#actors) actor.free()
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
      const idle = running.filter((actor) => actor.isAtGate && !this.#heldUp.has(actor))
      for (const actor of idle) actor.rest()
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
    return this.#actors.every(({ state }) => state === 'done') || this.#actors.some((actor) => this.#canAct(actor))
  }

  /** One who waits for a row may still do what he does behind it. */
  #canAct(actor: GatedActor): boolean {
    return actor.state === 'waiting' || (this.#heldUp.has(actor) && actor.isAtGate)
  }

  async #holdUp(running: readonly GatedActor[], findBlocked: FindBlocked): Promise<void> {
    const connections = running.flatMap((actor) => actor.connections)
    if (connections.length === 0) return
    const blocked = await findBlocked(connections)
    for (const actor of running) {
      if (actor.state !== 'running' || !actor.connections.some((connection) => blocked.has(connection))) continue
      this.#heldUp.add(actor)
      this.blocked++
    }
  }
}
