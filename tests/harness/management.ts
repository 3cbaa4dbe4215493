import { join } from 'node:path'
import type { ImageBody } from '../../src/api/image.ts'
import type { RepositoryChangeBody } from '../../src/api/repository.ts'
import type { Seawall } from './seawall.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** Asks the management API as its administrator; anything but success is an error with what it said. */
export async function manage(seawall: Seawall, method: string, path: string, body?: object): Promise<unknown> {
  const answered = await fetch(`${seawall.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`admin:${seawall.adminPassword}`)}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${await answered.text()}`)
  return answered.json()
}

/** Sets the rule that pulls from a repository follow. */
export async function setPolicy(
  seawall: Seawall,
  repository: string,
  policy: NonNullable<RepositoryChangeBody['policy']>,
): Promise<void> {
  await manage(seawall, 'PATCH', `repositories/${repository}`, { policy })
}

/** Waits for the scan of an image that has just been pushed. @param reference  without the host */
export async function scannedImage(seawall: Seawall, reference: string): Promise<ImageBody> {
  const deadline = Date.now() + 60_000
  for (;;) {
    // The shape is what the API promises; its own tests check that it keeps to it.
    const image = (await manage(seawall, 'GET', `image?reference=${encodeURIComponent(reference)}`)) as ImageBody
    if (image.scan.status !== 'waiting') return image
    if (Date.now() > deadline) throw new Error(`${reference} was not scanned in a minute`)
    await Bun.sleep(100)
  }
}

/** Takes advisories in by the command line, from files as the feeds publish them. */
export async function importAdvisories(seawall: Seawall, paths: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await seawall.run(['advisories', 'import', ...paths])
  if (code !== 0) throw new Error(`advisories import ended with ${code}:\n${stdout}${stderr}`)
}

/** The same from the text of one file. */
export async function importAdvisoryText(seawall: Seawall, text: string): Promise<void> {
  const folder = await temporaryFolder('advisories')
  try {
    const file = join(folder, 'feed.json')
    await Bun.write(file, text)
    await importAdvisories(seawall, [file])
  } finally {
    await removeFolder(folder)
  }
}
