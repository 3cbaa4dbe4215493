import type { Command, Option } from 'commander'

/** A word that may stand where the cursor is. */
export interface Candidate {
  readonly word: string
  readonly about: string
}

/** What may stand for the last of the words, which may be empty; nothing where it is for the user to say. */
export function complete(program: Command, words: readonly string[]): Candidate[] {
  const { command, awaited } = walk(program, words.slice(0, -1))
  const current = words.at(-1) ?? ''
  return candidatesFor(command, awaited, current).filter(({ word }) => word.startsWith(current))
}

/** Follows the words down the tree of commands, to the command they name and the option that waits for its value. */
function walk(program: Command, words: readonly string[]): { command: Command; awaited: Option | null } {
  let command = program
  let awaited: Option | null = null
  for (const word of words) {
    if (awaited) awaited = null
    else if (word.startsWith('-')) awaited = valueOption(command, word)
    else command = command.commands.find((each) => each.name() === word) ?? command
  }
  return { command, awaited }
}

function valueOption(command: Command, word: string): Option | null {
  return command.options.find((option) => (option.long === word || option.short === word) && option.required) ?? null
}

function candidatesFor(command: Command, awaited: Option | null, current: string): Candidate[] {
  if (awaited) return (awaited.argChoices ?? []).map((word) => ({ word, about: awaited.description }))
  if (current.startsWith('-')) return optionsOf(command)
  const names = command.commands.map((each) => ({ word: each.name(), about: each.description() }))
  const words = command.registeredArguments.flatMap((each) => each.argChoices ?? [])
  return [...names, ...words.map((word) => ({ word, about: '' }))]
}

function optionsOf(command: Command): Candidate[] {
  const visible = command.options.filter((option) => !option.hidden)
  const own = visible.map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }))
  return [...own, { word: '--help', about: 'print help' }]
}
