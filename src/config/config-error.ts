/** One thing that is wrong with the configuration. */
export interface ConfigMistake {
  /** Where it stands: `limits.pageMaxItems in seawall.yaml`, or the variable's name. */
  readonly name: string
  /** What stood there, without secrets; absent when nothing did. */
  readonly value?: string
  /** What is wrong and what to write instead, for people. */
  readonly problem: string
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly ConfigMistake[]

  constructor(mistakes: readonly ConfigMistake[]) {
    const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`
    super([`the configuration has ${count}:`, ...mistakes.map(line)].join('\n'))
    this.mistakes = mistakes
  }
}

function line({ name, value, problem }: ConfigMistake): string {
  return value === undefined ? `  ${name}: ${problem}` : `  ${name} = ${value}: ${problem}`
}
