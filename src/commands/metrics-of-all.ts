import { RegistryError } from '../core/errors.ts'
import type { MetricsText } from '../http/metrics.ts'

/** How long the supervisor may take to gather the metrics of all, in milliseconds. */
const PATIENCE_MS = 3_000

/** The metrics of all processes that share the port, whichever of them is asked: the supervisor gathers them. */
export class MetricsOfAll implements MetricsText {
  readonly contentType: string
  readonly #ask: (question: number) => void
  readonly #waiting = new Map<number, (text: string) => void>()
  #asked = 0

  /** @param ask  puts a question to the supervisor, whose answer is given to `take` */
  constructor(contentType: string, ask: (question: number) => void) {
    this.contentType = contentType
    this.#ask = ask
  }

  /** @throws RegistryError `UNAVAILABLE` when the supervisor does not answer */
  text(): Promise<string> {
    const question = ++this.#asked
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(question)
        reject(new RegistryError('UNAVAILABLE', undefined, { message: 'the supervisor does not answer' }))
      }, PATIENCE_MS)
      this.#waiting.set(question, (text) => {
        clearTimeout(timer)
        resolve(text)
      })
      this.#ask(question)
    })
  }

  /** Brings the answer to a question. */
  take(question: number, text: string): void {
    this.#waiting.get(question)?.(text)
    this.#waiting.delete(question)
  }
}
