/** Where lines go: `process.stderr`, or a file's stream. */
export interface LineTarget {
  write(text: string): unknown
}

/**
 * Gathers the lines of one turn of the event loop into one write, as a system call a line is dear under load.
 *
 * What is gathered is written at once when the caller says so (errors), and when the process exits.
 */
export class LineWriter {
  readonly #target: LineTarget
  #gathered = ''
  #isScheduled = false

  constructor(target: LineTarget) {
    this.#target = target
    process.on('exit', this.flush)
  }

  write(line: string): void {
    this.#gathered += line
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.flush)
  }

  readonly flush = (): void => {
    this.#isScheduled = false
    if (this.#gathered === '') return
    const text = this.#gathered
    this.#gathered = ''
    this.#target.write(text)
  }
}
