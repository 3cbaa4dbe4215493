import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { TlsFiles } from '../config/config.ts'
import type { Log } from '../core/log.ts'

/** A certificate with its chain and the private key that belongs to it, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** @throws Error when a file cannot be read, is no PEM, or the two do not belong together */
export async function readCertificate(files: TlsFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(files.certificate, 'utf8'), readFile(files.key, 'utf8')])
  const certificate = new X509Certificate(cert)
  if (!certificate.checkPrivateKey(createPrivateKey(key))) {
    throw new Error(`the key in ${files.key} does not belong to the certificate in ${files.certificate}`)
  }
  return { cert, key }
}

/**
 * Looks at the two files again and again, and gives the new certificate when they have changed and belong together.
 *
 * Between the writing of one file and of the other they do not match: that is said in the log and tried again. Looking
 * beats being told, as certificates often lie behind links that are swapped, or on file systems that tell nothing.
 *
 * @returns what ends it
 */
export function watchCertificate(
  files: TlsFiles,
  intervalMs: number,
  log: Log,
  take: (certificate: Certificate) => void,
): () => void {
  let known = stampOf(files)
  let refused = ''
  let isBusy = false
  const look = async () => {
    if (isBusy) return
    isBusy = true
    const stamp = await stampOf(files)
    try {
      if (stamp === (await known)) return
      take(await readCertificate(files))
      known = Promise.resolve(stamp)
    } catch (error) {
      if (stamp !== refused)
        log.warn('the certificate cannot be taken anew; the old one stays', { reason: String(error) })
      refused = stamp
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(look, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Changes whenever either file does, through links too. */
async function stampOf(files: TlsFiles): Promise<string> {
  const stats = await Promise.all([files.certificate, files.key].map((path) => stat(path).catch(() => null)))
  return stats.map((each) => (each ? `${each.ino}:${each.size}:${each.mtimeMs}` : 'missing')).join(' ')
}
