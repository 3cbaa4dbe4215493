/**
 * Resolves to the signal that asks the process to stop.
 *
 * @param onSecond  a second signal ends the process at once, after this: the first one's grace may be too long for
 *   somebody
 */
export function askedToStop(onSecond: () => void = () => {}): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => {
          onSecond()
          process.exit(1)
        })
      })
    }
  })
}
