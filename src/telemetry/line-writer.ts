/** Where lines go: `process.stderr`, or a file's stream. */
export interface LineTarget {
  write(text: string): unknown
}

/** Several processes may have one pipe: so much goes into it in one piece on every system (PIPE_BUF of Linux). */
const MOST_AT_ONCE = 4096

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
    for (const piece of pieces(text)) this.#target.write(piece)
  }
}

/** Whole lines, as many at a time as no other process can come between; a longer one goes by itself. */
function* pieces(text: string): Generator<string> {
  // a character may take three bytes
  for (let from = 0; from < text.length; ) {
    const rest = text.length - from
    const end = rest * 3 <= MOST_AT_ONCE ? text.length : endOfLine(text, from)
    yield text.slice(from, end)
    from = end
  }
}

/** The end of the last line that certainly fits, else of the first one. */
function endOfLine(text: string, from: number): number {
  const fitting = text.lastIndexOf('\n', from + Math.floor(MOST_AT_ONCE / 3) - 1)
  const end = fitting > from ? fitting : text.indexOf('\n', from)
  return end < 0 ? text.length : end + 1
}
