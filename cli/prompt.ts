import { createInterface } from 'node:readline/promises'
import { UsageError } from './usage-error.ts'

/** Longest secret that is read, in characters. */
const MAX_SECRET = 64 * 1024

/** Asks a person for a line. @throws UsageError when nobody is there */
export async function promptLine(question: string): Promise<string> {
  needTerminal()
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** Asks a person for a secret, without showing it. @throws UsageError when nobody is there */
export async function promptSecret(question: string): Promise<string> {
  needTerminal()
  process.stderr.write(question)
  process.stdin.setRawMode(true)
  process.stdin.resume()
  try {
    return await readKeys()
  } finally {
    process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stderr.write('\n')
  }
}

/** Reads a secret that another program gives; the line end behind it is not part of it. */
export async function readSecretFromStdin(): Promise<string> {
  const text = await Bun.stdin.text()
  const secret = text.replace(/\r?\n$/, '')
  if (secret !== '' && secret.length <= MAX_SECRET) return secret
  throw new UsageError('there is no secret on the standard input')
}

function needTerminal(): void {
  if (process.stdin.isTTY) return
  throw new UsageError('there is nobody to ask: give the password with --password-stdin')
}

/** Ctrl-C does not raise a signal while keys are read one by one. */
const INTERRUPT = '\u0003'
const ENDS = new Set(['\r', '\n', '\u0004', INTERRUPT])
const BACK = new Set(['\u007f', '\b'])

async function readKeys(): Promise<string> {
  let typed = ''
  for await (const chunk of process.stdin) {
    for (const key of String(chunk)) {
      if (key === INTERRUPT) throw new Error('interrupted')
      if (ENDS.has(key)) return typed
      typed = BACK.has(key) ? typed.slice(0, -1) : typed + key
    }
  }
  return typed
}
