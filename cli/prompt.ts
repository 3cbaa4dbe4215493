import { UsageError } from './usage-error.ts'

/** Longest secret that is read, in characters. */
const MAX_SECRET = 64 * 1024

/** Asks a person for a line. @throws UsageError when nobody is there */
export async function promptLine(question: string): Promise<string> {
  return (await prompt(question, true)).trim()
}

/** Asks a person for a secret, without showing it. @throws UsageError when nobody is there */
export function promptSecret(question: string): Promise<string> {
  return prompt(question, false)
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

async function prompt(question: string, isShown: boolean): Promise<string> {
  needTerminal()
  process.stderr.write(question)
  process.stdin.setRawMode(true)
  try {
    return await readKeys(isShown)
  } finally {
    process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stderr.write('\n')
  }
}

/** Ctrl-C does not raise a signal while keys are read one by one. */
const INTERRUPT = '\u0003'
const ENDS = new Set(['\r', '\n', '\u0004'])
const BACK = new Set(['\u007f', '\b'])

/** What was typed or pasted before it was asked for: it answers the next question. */
const ahead: string[] = []

/** The runtime's line reader is not taken: what it leaves of the standard input cannot be read key by key afterwards. */
function readKeys(isShown: boolean): Promise<string> {
  const decoder = new TextDecoder()
  const line = { typed: '', isShown }
  return new Promise((resolve, reject) => {
    const onKeys = (chunk: Uint8Array): void => {
      ahead.push(...decoder.decode(chunk, { stream: true }))
      const end = readLine(line)
      if (end === null) return
      process.stdin.off('data', onKeys)
      if (end === INTERRUPT) reject(new Error('interrupted'))
      else resolve(line.typed)
    }
    process.stdin.on('data', onKeys)
    process.stdin.resume()
    onKeys(new Uint8Array())
  })
}

/** Takes keys up to the one that ends the line; null while that is not there. */
function readLine(line: { typed: string; readonly isShown: boolean }): string | null {
  for (let key = ahead.shift(); key !== undefined; key = ahead.shift()) {
    if (key === INTERRUPT || ENDS.has(key)) return key
    if (line.isShown) process.stderr.write(echoOf(key, line.typed))
    line.typed = BACK.has(key) ? line.typed.slice(0, -1) : line.typed + key
  }
  return null
}

function echoOf(key: string, typed: string): string {
  if (!BACK.has(key)) return key
  return typed === '' ? '' : '\b \b'
}
