import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from './program.ts'
import { run, runToSuccess } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

const SIZE = '96M'

/**
 * A disk of a test's own that can lose its power.
 *
 * It is a file behind a loop device. What programs write stays in the machine's memory until they ask for it to be
 * written through; the file itself has only what reached the device. So a copy of the file is the disk as a power cut
 * at that moment leaves it: nothing that was not synced is in it (the file system writes by itself only after minutes).
 */
export class CutDisk {
  readonly #folder: string
  /** Where it is mounted. */
  readonly path: string

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'mounted')
  }

  static async make(): Promise<CutDisk> {
    const disk = new CutDisk(await temporaryFolder('disk'))
    await runToSuccess(['mkdir', disk.path])
    await runToSuccess(['truncate', '-s', SIZE, disk.#image])
    await runToSuccess([findProgram('mkfs.ext4') ?? 'mkfs.ext4', '-q', disk.#image])
    await disk.#mount()
    return disk
  }

  get #image(): string {
    return join(this.#folder, 'image')
  }

  /** Remembers the disk as it is now: who writes to it must stand still. */
  async remember(): Promise<void> {
    await runToSuccess(['cp', '--sparse=always', this.#image, `${this.#image}.cut`])
  }

  /** Makes the disk what it was when it was remembered; nobody may have a file open on it. */
  async cut(): Promise<void> {
    await runToSuccess(['umount', this.path])
    await rename(`${this.#image}.cut`, this.#image)
    await this.#mount()
  }

  async remove(): Promise<void> {
    await runToSuccess(['umount', this.path])
    await removeFolder(this.#folder)
  }

  /** `commit` is how long the file system keeps names to itself, in seconds. */
  async #mount(): Promise<void> {
    await runToSuccess(['mount', '-o', 'loop,commit=600,noatime', this.#image, this.path])
  }
}

/** Whether this machine lets a test make and mount disks. */
export async function canMakeDisks(): Promise<boolean> {
  if (process.getuid?.() !== 0 || !findProgram('mkfs.ext4') || !findProgram('mount')) return false
  return (await run(['losetup', '-f'])).code === 0
}
