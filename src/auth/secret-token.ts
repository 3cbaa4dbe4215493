/** What a secret's first letters say it is: a personal access token, a refresh token. */
export type SecretPrefix = 'swp' | 'swr'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_LENGTH = 34
const CHECKSUM_LENGTH = 6
const FORM = /^sw[pr]_[0-9A-Za-z]{40}$/

/**
 * Makes a secret: prefix, `_`, 34 random characters (202 bits), 6 of checksum.
 *
 * The checksum lets secret scanners tell a real one from noise without asking us, and lets us refuse noise without
 * asking the database.
 */
export function makeSecret(prefix: SecretPrefix): string {
  const body = `${prefix}_${randomText(RANDOM_LENGTH)}`
  return body + checksumOf(body)
}

export function isSecret(prefix: SecretPrefix, text: string): boolean {
  if (!FORM.test(text) || !text.startsWith(`${prefix}_`)) return false
  return checksumOf(text.slice(0, -CHECKSUM_LENGTH)) === text.slice(-CHECKSUM_LENGTH)
}

/** What is kept of a secret. It is random and long, so a fast hash is enough. */
export function hashSecret(secret: string): string {
  return new Bun.CryptoHasher('sha256').update(secret).digest('hex')
}

function checksumOf(text: string): string {
  let rest = Bun.hash.crc32(text)
  let checksum = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    checksum = ALPHABET.charAt(rest % ALPHABET.length) + checksum
    rest = Math.floor(rest / ALPHABET.length)
  }
  return checksum
}

function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    // 248 is the last multiple of 62 in a byte: what lies beyond would favour the first letters
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += ALPHABET.charAt(byte % 62)
    }
  }
  return text
}
