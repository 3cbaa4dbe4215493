import { printable } from '../../cli/output.ts'

const BAR = 24

/** One line on the standard error that says how far something is; only on a terminal, so that logs stay readable. */
export class ProgressLine {
  readonly #terminal: NodeJS.WriteStream
  readonly #isShown: boolean

  constructor(terminal: NodeJS.WriteStream = process.stderr) {
    this.#terminal = terminal
    this.#isShown = terminal.isTTY === true
  }

  /** Replaces what is shown. */
  show(text: string): void {
    if (!this.#isShown) return
    const room = Math.max((this.#terminal.columns || 80) - 1, 20)
    this.#terminal.write(`\r\u001b[K${printable(text).replaceAll('\n', ' ').slice(0, room)}`)
  }

  /** Shows a bar, with what it is about behind it. */
  showPart(done: number, total: number, text: string): void {
    const filled = total === 0 ? BAR : Math.round((BAR * done) / total)
    this.show(`[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${done}/${total} ${text}`)
  }

  /** Takes it away. */
  clear(): void {
    if (this.#isShown) this.#terminal.write('\r\u001b[K')
  }
}
